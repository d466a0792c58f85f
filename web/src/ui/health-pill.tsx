import { Badge, Group, Text } from "@mantine/core";
import { IconAlertCircle, IconCircleCheck, IconCircleDashed, IconCircleX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Health, Line } from "../api/types";
import { useAge } from "./age";

const LOOKS = {
  working: { color: "green", Icon: IconCircleCheck },
  attention: { color: "yellow", Icon: IconAlertCircle },
  failing: { color: "red", Icon: IconCircleX },
  unchecked: { color: "gray", Icon: IconCircleDashed },
} as const satisfies Record<Health, unknown>;

/** The health of a line in a word, an icon and a colour, with the age of the check. */
export function HealthPill({ line, withAge = true }: { line: Line; withAge?: boolean }) {
  const { t } = useTranslation();
  const age = useAge();
  return (
    <Group gap="xs" wrap="wrap">
      <HealthBadge health={line.health} />
      {withAge && (
        <Text size="xs" c="dimmed" component="span">
          {line.checked_at ? t("health.checked", { age: age(line.checked_at) }) : t("health.never")}
        </Text>
      )}
    </Group>
  );
}

export function HealthBadge({ health }: { health: Health }) {
  const { t } = useTranslation();
  const { color, Icon } = LOOKS[health];
  return (
    <Badge color={color} leftSection={<Icon size={14} aria-hidden />} size="lg">
      {t(`health.${health}`)}
    </Badge>
  );
}
