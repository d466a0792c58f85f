import { Badge, Button, Card, Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useCan } from "../../api/session";
import { ConfirmModal } from "../../ui/confirm-modal";
import { useUrlState } from "../../util/url-state";

type Props = {
  name: string;
  lead: string;
  connected: boolean;
  /** What is known of the connected account, as label and value. */
  facts: readonly (readonly [label: string, value: ReactNode])[];
  disconnect: { title: string; text: string; busy: boolean; error: unknown; run: (onDone: () => void) => void };
  children: ReactNode;
};

/** One provider's account: whether it is connected, what is known of it, and the form that changes it. */
export function ConnectionCard({ name, lead, connected, facts, disconnect, children }: Props) {
  const { t } = useTranslation();
  const mayChange = useCan("settings.change");
  const [asking, setAsking] = useUrlState("disconnect");
  return (
    <Card component="section" aria-label={name}>
      <Group justify="space-between" mb={4}>
        <Group gap="sm">
          <Title order={2} size="h4">
            {name}
          </Title>
          <Badge color={connected ? "green" : "gray"}>
            {connected ? t("settings.connected") : t("settings.not_connected")}
          </Badge>
        </Group>
        {connected && mayChange && (
          <Button variant="subtle" color="red" size="xs" onClick={() => setAsking("")}>
            {t("settings.disconnect")}
          </Button>
        )}
      </Group>
      <Text size="sm" c="dimmed" mb="lg">
        {lead}
      </Text>
      {connected && (
        <dl className="account-facts">
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {children}
      {asking !== null && (
        <ConfirmModal
          title={disconnect.title}
          text={disconnect.text}
          action={t("settings.disconnect")}
          busy={disconnect.busy}
          error={disconnect.error}
          onConfirm={() => disconnect.run(() => setAsking(null))}
          onClose={() => setAsking(null)}
        />
      )}
    </Card>
  );
}
