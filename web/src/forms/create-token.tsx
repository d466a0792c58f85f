import { MultiSelect, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import { useSession } from "../api/session";
import { useAction } from "../api/use-action";
import { FormModal } from "../ui/form-modal";
import { usePermissionName } from "../ui/permission-name";
import { SecretModal } from "../ui/secret-modal";
import { RoleSelect } from "./role-select";

const DAY_MS = 86_400_000;
// Every token has this one, so it is nothing to choose.
const ALWAYS = "member";
const LIFETIMES_DAYS = [7, 30, 90, 365] as const;

export function CreateToken({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { member, permissions } = useSession();
  const permissionName = usePermissionName();
  const form = useForm({ initialValues: { name: "", role: member.role, scopes: [] as string[], days: "90" } });
  const create = useAction(
    ({ days, scopes, ...values }: typeof form.values) =>
      body(
        api.POST("/api/v1/tokens", {
          body: {
            ...values,
            ...(scopes.length > 0 && { scopes: scopes.join(" ") }),
            ...(days && { expires_at: new Date(Date.now() + Number(days) * DAY_MS).toISOString() }),
          },
        }),
      ),
    { stale: ["tokens"] },
  );
  if (create.data) {
    const { token, secret } = create.data;
    return <SecretModal title={token.name} words={t("tokens.secret_once")} secret={secret} onClose={onClose} />;
  }
  return (
    <FormModal
      title={t("tokens.create")}
      action={t("action.create")}
      busy={create.isPending}
      error={create.error}
      onSubmit={form.onSubmit((values) => create.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }))}
      onClose={onClose}
    >
      <TextInput
        label={t("tokens.name")}
        placeholder={t("tokens.name_placeholder")}
        required
        autoComplete="off"
        data-autofocus
        {...form.getInputProps("name")}
      />
      <RoleSelect label={t("tokens.role")} {...form.getInputProps("role")} />
      <MultiSelect
        label={t("tokens.scopes")}
        description={t("tokens.scopes_hint")}
        placeholder={form.values.scopes.length === 0 ? t("tokens.scopes_all") : undefined}
        data={permissions.filter((name) => name !== ALWAYS).map((value) => ({ value, label: permissionName(value) }))}
        searchable
        clearable
        {...form.getInputProps("scopes")}
      />
      <Select
        label={t("tokens.expires")}
        allowDeselect={false}
        data={[
          ...LIFETIMES_DAYS.map((count) => ({ value: String(count), label: t("tokens.expires_days", { count }) })),
          { value: "", label: t("tokens.expires_never") },
        ]}
        {...form.getInputProps("days")}
      />
    </FormModal>
  );
}
