import { PasswordInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import type { Role } from "../api/types";
import { useAction } from "../api/use-action";
import { FormModal } from "../ui/form-modal";
import { SecretModal } from "../ui/secret-modal";
import { RoleSelect } from "./role-select";

export function AddMember({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { name: "", email: "", role: "agent" as Role, password: "" } });
  const add = useAction(
    ({ password, ...values }: typeof form.values) =>
      body(api.POST("/api/v1/members", { body: { ...values, ...(password && { password }) } })),
    { stale: ["members"], onDone: ({ password }) => password || onClose() },
  );
  if (add.data?.password) {
    const { name } = add.data.member;
    return (
      <SecretModal
        title={t("members.added", { name })}
        words={t("members.password_once", { name })}
        secret={add.data.password}
        onClose={onClose}
      />
    );
  }
  return (
    <FormModal
      title={t("members.add")}
      action={t("members.add")}
      busy={add.isPending}
      error={add.error}
      onSubmit={form.onSubmit((values) => add.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }))}
      onClose={onClose}
    >
      <TextInput label={t("members.name")} required autoComplete="off" data-autofocus {...form.getInputProps("name")} />
      <TextInput label={t("members.email")} type="email" required autoComplete="off" {...form.getInputProps("email")} />
      <RoleSelect label={t("members.role")} {...form.getInputProps("role")} />
      <PasswordInput
        label={t("members.password")}
        description={t("members.password_hint")}
        autoComplete="new-password"
        {...form.getInputProps("password")}
      />
    </FormModal>
  );
}
