import { Code, Group, Button, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import type { AuditEntry } from "../../api/types";
import { useActorName } from "../../ui/actor";
import { useClock } from "../../ui/age";
import { Facts } from "../../ui/facts";

/** One entry with what was before and after, and everything that identifies it. */
export function AuditDetail({ entry, onClose }: { entry: AuditEntry; onClose: () => void }) {
  const { t } = useTranslation();
  const clock = useClock();
  const actorName = useActorName();
  const [, setParams] = useSearchParams();
  const { seq, at, actor, kind, summary, subject_id, request_id, address, before, after, hash } = entry;
  return (
    <Modal opened onClose={onClose} title={summary} size="lg" closeButtonProps={{ "aria-label": t("action.close") }}>
      <Stack>
        <Facts
          facts={[
            [t("audit.time"), clock(at)],
            [t("audit.actor"), actorName(actor)],
            [t("audit.kind"), kind],
            [t("audit.object"), subject_id],
            [t("audit.address"), address],
            [t("audit.request"), request_id],
            [t("audit.number"), seq],
            [t("audit.hash"), hash],
          ]}
        />
        <Values title={t("repair.from")} values={before} />
        <Values title={t("repair.to")} values={after} />
        <Group>
          <Button variant="default" size="xs" onClick={() => setParams({ subject: subject_id })}>
            {t("audit.same_subject")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Values({ title, values }: { title: string; values: AuditEntry["before"] }) {
  if (values == null) return null;
  return (
    <div>
      <Text size="sm" fw={550} mb={4}>
        {title}
      </Text>
      <Code block tabIndex={0}>
        {JSON.stringify(values, null, 2)}
      </Code>
    </div>
  );
}
