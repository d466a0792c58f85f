import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import { useSession } from "../api/session";
import { useAction } from "../api/use-action";
import { FormModal } from "../ui/form-modal";
import { SecretOnce } from "../ui/secret-once";
import { RoleSelect } from "./role-select";

const DAY_MS = 86_400_000;
const LIFETIMES_DAYS = [30, 90, 365] as const;

export function CreateToken({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { member } = useSession();
  const form = useForm({ initialValues: { name: "", role: member.role, days: "90" } });
  const create = useAction(
    ({ days, ...values }: typeof form.values) =>
      body(
        api.POST("/api/v1/tokens", {
          body: { ...values, ...(days && { expires_at: new Date(Date.now() + Number(days) * DAY_MS).toISOString() }) },
        }),
      ),
    { stale: ["tokens"] },
  );
  if (create.data) {
    return (
      <Modal
        opened
        onClose={onClose}
        title={create.data.token.name}
        closeButtonProps={{ "aria-label": t("action.close") }}
      >
        <Stack>
          <SecretOnce title={t("tokens.secret_once")} secret={create.data.secret} />
          <Group justify="flex-end">
            <Button onClick={onClose}>{t("action.done")}</Button>
          </Group>
        </Stack>
      </Modal>
    );
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
