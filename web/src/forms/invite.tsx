import { TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import type { Role } from "../api/types";
import { useAction } from "../api/use-action";
import { FormModal } from "../ui/form-modal";
import { notify } from "../ui/notify";
import { SecretModal } from "../ui/secret-modal";
import { RoleSelect } from "./role-select";

export function Invite({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { email: "", role: "agent" as Role } });
  const invite = useAction((values: typeof form.values) => body(api.POST("/api/v1/invitations", { body: values })), {
    stale: ["invitations"],
    onDone: ({ invitation, link }) => {
      if (link) return;
      notify(t("invitations.mailed", { email: invitation.email }));
      onClose();
    },
  });
  if (invite.data?.link) {
    const { invitation, link } = invite.data;
    return (
      <SecretModal
        title={t("invitations.made", { email: invitation.email })}
        words={t("invitations.link_once")}
        secret={link}
        note={t("invitations.not_mailed")}
        onClose={onClose}
      />
    );
  }
  return (
    <FormModal
      title={t("invitations.invite")}
      action={t("invitations.invite")}
      busy={invite.isPending}
      error={invite.error}
      onSubmit={form.onSubmit((values) => invite.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }))}
      onClose={onClose}
    >
      <TextInput
        label={t("members.email")}
        description={t("invitations.hint")}
        type="email"
        required
        autoComplete="off"
        data-autofocus
        {...form.getInputProps("email")}
      />
      <RoleSelect label={t("members.role")} {...form.getInputProps("role")} />
    </FormModal>
  );
}
