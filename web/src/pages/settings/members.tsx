import { ActionIcon, Badge, Box, Group, Stack, Text } from "@mantine/core";
import { IconTrash, IconUserPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { queries } from "../../api/queries";
import { useCan, useSession } from "../../api/session";
import type { Member, Role } from "../../api/types";
import { useAction } from "../../api/use-action";
import { AddMember } from "../../forms/add-member";
import { RoleSelect, useGrantableRoles } from "../../forms/role-select";
import { ConfirmModal } from "../../ui/confirm-modal";
import { type Column, DataTable, ListSkeleton } from "../../ui/data-table";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { useUrlState } from "../../util/url-state";

export function MembersSection() {
  const { t } = useTranslation();
  const [adding, setAdding] = useUrlState("add");
  const [removing, setRemoving] = useUrlState("remove");
  const { data, error, isPending, refetch } = useQuery(queries.members());
  const changeRole = useChangeRole();
  const columns = useMemberColumns(changeRole.mutate, setRemoving);
  const removed = data?.find(({ id }) => id === removing);
  return (
    <Stack>
      <Group justify="space-between">
        <Text c="dimmed">{t("members.lead")}</Text>
        <GuardedButton permission="members.change" leftSection={<IconUserPlus size={18} aria-hidden />} onClick={() => setAdding("")}>
          {t("members.add")}
        </GuardedButton>
      </Group>
      <ProblemAlert error={changeRole.error} />
      {isPending && <ListSkeleton />}
      <ProblemAlert error={error} retry={() => void refetch()} />
      {data && <DataTable label={t("settings.members")} columns={columns} rows={data} rowKey={({ id }) => id} />}
      {adding !== null && <AddMember onClose={() => setAdding(null)} />}
      {removed && <RemoveMember member={removed} onClose={() => setRemoving(null)} />}
    </Stack>
  );
}

type RoleChange = { member: Member; role: Role };

function useChangeRole() {
  const { t } = useTranslation();
  return useAction(
    ({ member, role }: RoleChange) =>
      body(api.PATCH("/api/v1/members/{id}", { params: { path: { id: member.id } }, body: { role } })),
    { stale: ["members", "session"], onDone: (_, { member }) => notify(t("members.changed", { name: member.name })) },
  );
}

function useMemberColumns(changeRole: (change: RoleChange) => void, remove: (id: string) => void): Column<Member>[] {
  const { t } = useTranslation();
  const { member: self } = useSession();
  const mayChange = useCan("members.change");
  const grantable = useGrantableRoles();
  const changeable = (member: Member) => mayChange && grantable.includes(member.role);
  return [
    {
      key: "name",
      title: t("members.name"),
      cell: ({ id, name, email }) => (
        <Box>
          <Group gap="xs">
            <Text fw={600}>{name}</Text>
            {id === self.id && <Badge color="gray">{t("members.you")}</Badge>}
          </Group>
          <Text size="sm" c="dimmed">
            {email}
          </Text>
        </Box>
      ),
    },
    {
      key: "role",
      title: t("members.role"),
      cell: (member) =>
        changeable(member) ? (
          <RoleSelect
            aria-label={t("members.role_of", { name: member.name })}
            size="xs"
            w={160}
            value={member.role}
            onChange={(role) => role && changeRole({ member, role: role as Role })}
          />
        ) : (
          <Text size="sm">{t(`role.${member.role}`)}</Text>
        ),
    },
    {
      key: "remove",
      title: t("action.remove"),
      hideTitle: true,
      cell: (member) =>
        changeable(member) &&
        member.id !== self.id && (
          <ActionIcon variant="subtle" color="red" aria-label={`${t("action.remove")}: ${member.name}`} onClick={() => remove(member.id)}>
            <IconTrash size={18} />
          </ActionIcon>
        ),
    },
  ];
}

function RemoveMember({ member, onClose }: { member: Member; onClose: () => void }) {
  const { t } = useTranslation();
  const { name } = member;
  const remove = useAction(() => body(api.DELETE("/api/v1/members/{id}", { params: { path: { id: member.id } } })), {
    stale: ["members", "tokens"],
    onDone: () => {
      notify(t("members.removed", { name }));
      onClose();
    },
  });
  return (
    <ConfirmModal
      title={t("members.remove_title", { name })}
      text={t("members.remove_text", { name })}
      action={t("action.remove")}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    />
  );
}
