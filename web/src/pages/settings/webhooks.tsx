import { ActionIcon, Badge, Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { queries } from "../../api/queries";
import { useCan } from "../../api/session";
import type { Webhook } from "../../api/types";
import { useAction } from "../../api/use-action";
import { AddWebhook } from "../../forms/add-webhook";
import { Age } from "../../ui/age";
import { ConfirmModal } from "../../ui/confirm-modal";
import { type Column, DataTable } from "../../ui/data-table";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { useUrlState } from "../../util/url-state";

/** The web addresses that are told of alerts. */
export function WebhooksCard() {
  const { t } = useTranslation();
  const [adding, setAdding] = useUrlState("add");
  const [removing, setRemoving] = useUrlState("remove");
  const { data, error, refetch } = useQuery(queries.webhooks());
  const test = useTest();
  const columns = useColumns(test, setRemoving);
  const removed = data?.find(({ id }) => id === removing);
  return (
    <Stack component="section" gap="sm" aria-label={t("webhooks.title")}>
      <Group justify="space-between" align="flex-end">
        <div>
          <Title order={2} size="h4">
            {t("webhooks.title")}
          </Title>
          <Text size="sm" c="dimmed">
            {t("webhooks.lead")}
          </Text>
        </div>
        <GuardedButton permission="settings.change" leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setAdding("")}>
          {t("webhooks.add")}
        </GuardedButton>
      </Group>
      <ProblemAlert error={error} retry={() => void refetch()} />
      <ProblemAlert error={test.error} />
      {data?.length === 0 && (
        <Card>
          <Text size="sm" c="dimmed">
            {t("webhooks.empty")}
          </Text>
        </Card>
      )}
      {data && data.length > 0 && <DataTable label={t("webhooks.title")} columns={columns} rows={data} rowKey={({ id }) => id} />}
      {adding !== null && <AddWebhook onClose={() => setAdding(null)} />}
      {removed && <RemoveWebhook webhook={removed} onClose={() => setRemoving(null)} />}
    </Stack>
  );
}

type Test = ReturnType<typeof useTest>;

function useTest() {
  const { t } = useTranslation();
  return useAction(
    ({ id }: Webhook) => body(api.POST("/api/v1/alert-webhooks/{id}/test", { params: { path: { id } } })),
    { stale: ["webhooks"], onDone: ({ status }) => notify(t("webhooks.tested", { status })) },
  );
}

function useColumns(test: Test, remove: (id: string) => void): Column<Webhook>[] {
  const { t } = useTranslation();
  const mayChange = useCan("settings.change");
  return [
    {
      key: "url",
      title: t("webhooks.url"),
      cell: ({ url, description }) => (
        <div>
          <Text className="code">{url}</Text>
          {description && (
            <Text size="sm" c="dimmed">
              {description}
            </Text>
          )}
        </div>
      ),
    },
    { key: "last", title: t("webhooks.last"), cell: (webhook) => <LastDelivery webhook={webhook} /> },
    {
      key: "actions",
      title: t("members.actions"),
      hideTitle: true,
      cell: (webhook) =>
        mayChange && (
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            <Button
              size="xs"
              variant="default"
              aria-label={`${t("webhooks.test")}: ${webhook.url}`}
              loading={test.isPending && test.variables.id === webhook.id}
              onClick={() => test.mutate(webhook)}
            >
              {t("webhooks.test")}
            </Button>
            <ActionIcon
              variant="subtle"
              color="red"
              aria-label={`${t("action.remove")}: ${webhook.url}`}
              onClick={() => remove(webhook.id)}
            >
              <IconTrash size={18} />
            </ActionIcon>
          </Group>
        ),
    },
  ];
}

function LastDelivery({ webhook: { gone_at, last_at, last_arrived, last_error } }: { webhook: Webhook }) {
  const { t } = useTranslation();
  if (gone_at) return <Badge color="red">{t("webhooks.gone")}</Badge>;
  if (!last_at) return <Text size="sm">{t("webhooks.never")}</Text>;
  return (
    <Stack gap={2}>
      <Group gap="xs">
        <Badge color={last_arrived ? "green" : "red"}>{last_arrived ? t("webhooks.arrived") : t("webhooks.failed")}</Badge>
        <Text size="xs" c="dimmed">
          <Age time={last_at} />
        </Text>
      </Group>
      {last_error && <Text size="xs">{last_error}</Text>}
    </Stack>
  );
}

function RemoveWebhook({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { t } = useTranslation();
  const remove = useAction(
    () => body(api.DELETE("/api/v1/alert-webhooks/{id}", { params: { path: { id: webhook.id } } })),
    { stale: ["webhooks"], onDone: onClose },
  );
  return (
    <ConfirmModal
      title={t("webhooks.remove_title")}
      text={t("webhooks.remove_text", { url: webhook.url })}
      action={t("action.remove")}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    />
  );
}
