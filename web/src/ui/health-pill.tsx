import { Group, Text } from "@mantine/core";
import { IconAlertCircle, IconCircleCheck, IconCircleDashed, IconCircleX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Health, Line } from "../api/types";
import { useAge } from "./age";
import { ToneBadge } from "./tone-badge";

const LOOKS = {
  working: { tone: "green", Icon: IconCircleCheck },
  attention: { tone: "yellow", Icon: IconAlertCircle },
  failing: { tone: "red", Icon: IconCircleX },
  unchecked: { tone: "gray", Icon: IconCircleDashed },
} as const satisfies Record<Health, unknown>;

/** The health of a line in a word, an icon and a colour, with the age of the check. */
export function HealthPill({ line, withAge = true }: { line: Line; withAge?: boolean }) {
  const { t } = useTranslation();
  const age = useAge();
  const { tone, Icon } = LOOKS[line.health];
  return (
    <Group gap="xs" wrap="wrap">
      <ToneBadge tone={tone} leftSection={<Icon size={14} aria-hidden />} size="lg">
        {t(`health.${line.health}`)}
      </ToneBadge>
      {withAge && (
        <Text size="xs" c="dimmed" component="span">
          {line.checked_at ? t("health.checked", { age: age(line.checked_at) }) : t("health.never")}
        </Text>
      )}
    </Group>
  );
}
