import { ActionIcon, Badge, Box, Group, Stack, Text } from "@mantine/core";
import { IconKey, IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { queries } from "../../api/queries";
import type { Token } from "../../api/types";
import { useAction } from "../../api/use-action";
import { CreateToken } from "../../forms/create-token";
import { Age, useAge } from "../../ui/age";
import { ConfirmModal } from "../../ui/confirm-modal";
import { type Column, DataTable, ListSkeleton } from "../../ui/data-table";
import { EmptyState } from "../../ui/empty-state";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { usePermissionName } from "../../ui/permission-name";
import { ProblemAlert } from "../../ui/problem-alert";
import { useUrlState } from "../../util/url-state";

export function TokensSection() {
  const { t } = useTranslation();
  const [creating, setCreating] = useUrlState("create");
  const [removing, setRemoving] = useUrlState("remove");
  const { data, error, isPending, refetch } = useQuery(queries.tokens());
  const columns = useTokenColumns(setRemoving);
  const removed = data?.find(({ id }) => id === removing);
  return (
    <Stack>
      <Group justify="space-between">
        <Text c="dimmed">{t("tokens.lead")}</Text>
        <GuardedButton permission="tokens.own" leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setCreating("")}>
          {t("tokens.create")}
        </GuardedButton>
      </Group>
      {isPending && <ListSkeleton />}
      <ProblemAlert error={error} retry={() => void refetch()} />
      {data?.length === 0 && <EmptyState Icon={IconKey} title={t("tokens.empty_title")} text={t("tokens.empty_text")} />}
      {data && data.length > 0 && <DataTable label={t("settings.tokens")} columns={columns} rows={data} rowKey={({ id }) => id} />}
      {creating !== null && <CreateToken onClose={() => setCreating(null)} />}
      {removed && <RemoveToken token={removed} onClose={() => setRemoving(null)} />}
    </Stack>
  );
}

function useTokenColumns(remove: (id: string) => void): Column<Token>[] {
  const { t } = useTranslation();
  const permissionName = usePermissionName();
  return [
    {
      key: "name",
      title: t("tokens.name"),
      cell: ({ name, prefix, role, scopes }) => (
        <Box>
          <Group gap="xs">
            <Text fw={600}>{name}</Text>
            <Badge color="gray">{t(`role.${role}`)}</Badge>
          </Group>
          <Text className="code" c="dimmed">{`${prefix}…`}</Text>
          {scopes && (
            <Text size="xs" c="dimmed">
              {t("tokens.only", { scopes: narrowedTo(scopes).map(permissionName).join(", ") })}
            </Text>
          )}
        </Box>
      ),
    },
    {
      key: "last_used",
      title: t("tokens.last_used"),
      cell: ({ last_used_at }) => <Text size="sm">{last_used_at ? <Age time={last_used_at} /> : t("tokens.last_used_never")}</Text>,
    },
    { key: "expires", title: t("tokens.expires"), cell: ({ expires_at }) => <Expiry time={expires_at ?? null} /> },
    {
      key: "remove",
      title: t("action.remove"),
      hideTitle: true,
      cell: ({ id, name }) => (
        <ActionIcon variant="subtle" color="red" aria-label={`${t("action.remove")}: ${name}`} onClick={() => remove(id)}>
          <IconTrash size={18} />
        </ActionIcon>
      ),
    },
  ];
}

/** What a token was narrowed to, without what every token may. */
const narrowedTo = (scopes: string) => scopes.split(" ").filter((name) => name !== "member");

function Expiry({ time }: { time: string | null }) {
  const { t } = useTranslation();
  const age = useAge();
  if (time === null) return <Text size="sm">{t("tokens.expires_never")}</Text>;
  const expired = Date.parse(time) <= Date.now();
  return expired ? <Badge color="red">{t("tokens.expired", { age: age(time) })}</Badge> : <Text size="sm">{age(time)}</Text>;
}

function RemoveToken({ token, onClose }: { token: Token; onClose: () => void }) {
  const { t } = useTranslation();
  const remove = useAction(() => body(api.DELETE("/api/v1/tokens/{id}", { params: { path: { id: token.id } } })), {
    stale: ["tokens"],
    onDone: () => {
      notify(t("tokens.removed"));
      onClose();
    },
  });
  return (
    <ConfirmModal
      title={t("tokens.remove_title", { name: token.name })}
      text={t("tokens.remove_text")}
      action={t("action.remove")}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    />
  );
}
