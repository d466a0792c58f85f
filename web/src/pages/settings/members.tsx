import { ActionIcon, Badge, Box, Group, Stack, Text } from "@mantine/core";
import { IconMailForward, IconTrash, IconUserPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { queries } from "../../api/queries";
import { useCan, useSession } from "../../api/session";
import type { Member, Role } from "../../api/types";
import { useAction } from "../../api/use-action";
import { AddMember } from "../../forms/add-member";
import { Invite } from "../../forms/invite";
import { RoleSelect, useGrantableRoles } from "../../forms/role-select";
import { ConfirmModal } from "../../ui/confirm-modal";
import { type Column, DataTable, ListSkeleton } from "../../ui/data-table";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { useUrlState } from "../../util/url-state";
import { PendingInvitations } from "./invitations";
import { ConfirmMemberAction, MEMBER_ACTIONS, type MemberAction, MemberMenu } from "./member-menu";

export function MembersSection() {
  const { t } = useTranslation();
  const mayChange = useCan("members.change");
  const [adding, setAdding] = useUrlState("add");
  const [inviting, setInviting] = useUrlState("invite");
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <Text c="dimmed">{t("members.lead")}</Text>
        <Group gap="sm">
          <GuardedButton
            permission="members.change"
            variant="default"
            leftSection={<IconUserPlus size={18} aria-hidden />}
            onClick={() => setAdding("")}
          >
            {t("members.add")}
          </GuardedButton>
          <GuardedButton permission="members.change" leftSection={<IconMailForward size={18} aria-hidden />} onClick={() => setInviting("")}>
            {t("invitations.invite")}
          </GuardedButton>
        </Group>
      </Group>
      <MemberList />
      {mayChange && <PendingInvitations />}
      {adding !== null && <AddMember onClose={() => setAdding(null)} />}
      {inviting !== null && <Invite onClose={() => setInviting(null)} />}
    </Stack>
  );
}

function MemberList() {
  const { t } = useTranslation();
  const [removing, setRemoving] = useUrlState("remove");
  const [acting, setActing] = useUrlState("member");
  const { data, error, isPending, refetch } = useQuery(queries.members());
  const changeRole = useChangeRole();
  const columns = useMemberColumns({
    changeRole: changeRole.mutate,
    remove: setRemoving,
    act: (id, action) => setActing(`${action}.${id}`),
  });
  const find = (id: string | null | undefined) => data?.find((member) => member.id === id);
  const [asked, of] = acting?.split(".") ?? [];
  const [removed, actedOn] = [find(removing), find(of)];
  const action = MEMBER_ACTIONS.find((known) => known === asked);
  return (
    <>
      <ProblemAlert error={changeRole.error} />
      {isPending && <ListSkeleton />}
      <ProblemAlert error={error} retry={() => void refetch()} />
      {data && <DataTable label={t("settings.members")} columns={columns} rows={data} rowKey={({ id }) => id} />}
      {removed && <RemoveMember member={removed} onClose={() => setRemoving(null)} />}
      {actedOn && action && <ConfirmMemberAction member={actedOn} action={action} onClose={() => setActing(null)} />}
    </>
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

type Actions = {
  changeRole: (change: RoleChange) => void;
  remove: (id: string) => void;
  act: (id: string, action: MemberAction) => void;
};

function useMemberColumns({ changeRole, remove, act }: Actions): Column<Member>[] {
  const { t } = useTranslation();
  const { member: self } = useSession();
  const mayChange = useCan("members.change");
  const grantable = useGrantableRoles();
  const changeable = (member: Member) => mayChange && grantable.includes(member.role);
  return [
    {
      key: "name",
      title: t("members.name"),
      cell: ({ id, name, email, suspended_at }) => (
        <Box>
          <Group gap="xs">
            <Text fw={600}>{name}</Text>
            {id === self.id && <Badge color="gray">{t("members.you")}</Badge>}
            {suspended_at && <Badge color="yellow">{t("members.suspended")}</Badge>}
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
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <MemberMenu member={member} onChoose={(action) => act(member.id, action)} />
            <ActionIcon variant="subtle" color="red" aria-label={`${t("action.remove")}: ${member.name}`} onClick={() => remove(member.id)}>
              <IconTrash size={18} />
            </ActionIcon>
          </Group>
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
