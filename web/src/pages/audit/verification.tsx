import { Alert, Button, Group, Loader, Text } from "@mantine/core";
import { IconShieldCheck, IconShieldX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { queries } from "../../api/queries";
import type { AuditVerdict } from "../../api/types";
import { ProblemAlert } from "../../ui/problem-alert";

/** Whether every entry is as it was written. */
export function AuditVerification() {
  const { t } = useTranslation();
  const { data, error, isFetching, refetch } = useQuery(queries.auditVerdict());
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  return (
    <div role="status">
      {data ? (
        <Verdict verdict={data} busy={isFetching} onAgain={() => void refetch()} />
      ) : (
        <Group gap="xs" mih={36}>
          <Loader size={16} aria-hidden />
          <Text size="sm" c="dimmed">
            {t("audit.verifying")}
          </Text>
        </Group>
      )}
    </div>
  );
}

function Verdict({ verdict, busy, onAgain }: { verdict: AuditVerdict; busy: boolean; onAgain: () => void }) {
  const { t } = useTranslation();
  const { intact, seq, hash, broken_seq, flaw } = verdict;
  return (
    <Alert
      color={intact ? "green" : "red"}
      icon={intact ? <IconShieldCheck /> : <IconShieldX />}
      title={intact ? t("audit.intact") : t("audit.broken")}
      data-intact={intact}
    >
      <Group justify="space-between" align="flex-end" gap="sm">
        <Text size="sm" component="div" flex="1 1 16rem" miw={0}>
          {intact ? t("audit.intact_text", { count: seq }) : t("audit.broken_text", { seq: broken_seq ?? seq + 1 })}
          {flaw && ` ${t(`audit.flaw_${flaw}`)}`}
          <Text className="code" c="dimmed">
            {`${seq} ${hash}`}
          </Text>
        </Text>
        <Button size="xs" variant="default" loading={busy} onClick={onAgain}>
          {t("audit.verify_again")}
        </Button>
      </Group>
    </Alert>
  );
}
