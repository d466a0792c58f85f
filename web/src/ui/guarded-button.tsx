import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { ComponentPropsWithoutRef } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "../api/session";

type Props = ButtonProps & ComponentPropsWithoutRef<"button"> & { permission: string };

/** A button that a role may not be allowed to press; then it says why instead of vanishing. */
export function GuardedButton({ permission, ...button }: Props) {
  const { t } = useTranslation();
  const { member, permissions } = useSession();
  if (permissions.includes(permission)) return <Button {...button} />;
  const reason = t("action.not_allowed", { role: t(`role.${member.role}`) });
  return (
    <Tooltip label={reason} events={{ hover: true, focus: true, touch: true }}>
      <Button {...button} disabled={false} data-disabled aria-disabled onClick={(event) => event.preventDefault()} />
    </Tooltip>
  );
}
