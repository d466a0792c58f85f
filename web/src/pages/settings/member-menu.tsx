import { ActionIcon, Menu } from "@mantine/core";
import { IconDots, IconPlayerPause, IconPlayerPlay, IconShieldOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import type { Member } from "../../api/types";
import { useAction } from "../../api/use-action";
import { ConfirmModal } from "../../ui/confirm-modal";
import { notify } from "../../ui/notify";

/** What may be done to another member, besides removing them. */
export const MEMBER_ACTIONS = ["suspend", "resume", "forget_factors"] as const;
export type MemberAction = (typeof MEMBER_ACTIONS)[number];

const ICONS = { suspend: IconPlayerPause, resume: IconPlayerPlay, forget_factors: IconShieldOff };

export function MemberMenu({ member, onChoose }: { member: Member; onChoose: (action: MemberAction) => void }) {
  const { t } = useTranslation();
  const offered: MemberAction[] = [member.suspended_at ? "resume" : "suspend", "forget_factors"];
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`${t("members.actions")}: ${member.name}`}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {offered.map((action) => {
          const Icon = ICONS[action];
          return (
            <Menu.Item key={action} leftSection={<Icon size={16} aria-hidden />} onClick={() => onChoose(action)}>
              {t(`members.${action}`)}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}

type Props = { member: Member; action: MemberAction; onClose: () => void };

/** Asks once more, then does it. */
export function ConfirmMemberAction({ member, action, onClose }: Props) {
  const { t } = useTranslation();
  const { id, name } = member;
  const params = { path: { id } };
  const act = useAction(
    async () => {
      if (action === "forget_factors") await body(api.DELETE("/api/v1/members/{id}/factors", { params }));
      else await body(api.PATCH("/api/v1/members/{id}", { params, body: { suspended: action === "suspend" } }));
    },
    {
      stale: ["members"],
      onDone: () => {
        notify(t(`members.${action}_done`, { name }));
        onClose();
      },
    },
  );
  return (
    <ConfirmModal
      title={t(`members.${action}_title`, { name })}
      text={t(`members.${action}_text`, { name })}
      action={t(`members.${action}`)}
      busy={act.isPending}
      error={act.error}
      onConfirm={() => act.mutate()}
      onClose={onClose}
    />
  );
}
