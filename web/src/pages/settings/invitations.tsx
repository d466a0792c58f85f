import { ActionIcon, Stack, Text, Title } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { queries } from "../../api/queries";
import type { Invitation } from "../../api/types";
import { useAction } from "../../api/use-action";
import { Age } from "../../ui/age";
import { ConfirmModal } from "../../ui/confirm-modal";
import { type Column, DataTable } from "../../ui/data-table";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { useUrlState } from "../../util/url-state";

/** Who was asked to come and has not yet; nothing where there is nobody. */
export function PendingInvitations() {
  const { t } = useTranslation();
  const [revoking, setRevoking] = useUrlState("revoke");
  const { data, error } = useQuery(queries.invitations());
  const columns = useColumns(setRevoking);
  const revoked = data?.find(({ id }) => id === revoking);
  if (error) return <ProblemAlert error={error} />;
  if (!data || data.length === 0) return null;
  return (
    <Stack component="section" gap="sm">
      <Title order={2} size="h4">
        {t("invitations.title")}
      </Title>
      <DataTable label={t("invitations.title")} columns={columns} rows={data} rowKey={({ id }) => id} />
      {revoked && <Revoke invitation={revoked} onClose={() => setRevoking(null)} />}
    </Stack>
  );
}

function useColumns(revoke: (id: string) => void): Column<Invitation>[] {
  const { t } = useTranslation();
  return [
    {
      key: "email",
      title: t("members.email"),
      cell: ({ email, invited_by }) => (
        <div>
          <Text fw={600}>{email}</Text>
          <Text size="sm" c="dimmed">
            {t("invitations.by", { name: invited_by })}
          </Text>
        </div>
      ),
    },
    { key: "role", title: t("members.role"), cell: ({ role }) => <Text size="sm">{t(`role.${role}`)}</Text> },
    {
      key: "expires",
      title: t("invitations.expires"),
      cell: ({ expires_at }) => (
        <Text size="sm">
          <Age time={expires_at} />
        </Text>
      ),
    },
    {
      key: "revoke",
      title: t("invitations.revoke"),
      hideTitle: true,
      cell: ({ id, email }) => (
        <ActionIcon variant="subtle" color="red" aria-label={`${t("invitations.revoke")}: ${email}`} onClick={() => revoke(id)}>
          <IconTrash size={18} />
        </ActionIcon>
      ),
    },
  ];
}

function Revoke({ invitation: { id, email }, onClose }: { invitation: Invitation; onClose: () => void }) {
  const { t } = useTranslation();
  const revoke = useAction(() => body(api.DELETE("/api/v1/invitations/{id}", { params: { path: { id } } })), {
    stale: ["invitations"],
    onDone: () => {
      notify(t("invitations.revoked", { email }));
      onClose();
    },
  });
  return (
    <ConfirmModal
      title={t("invitations.revoke_title", { email })}
      text={t("invitations.revoke_text")}
      action={t("invitations.revoke")}
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    />
  );
}
