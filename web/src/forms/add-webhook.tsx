import { TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import { useAction } from "../api/use-action";
import { FormModal } from "../ui/form-modal";
import { SecretModal } from "../ui/secret-modal";

export function AddWebhook({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { url: "", description: "" } });
  const add = useAction((values: typeof form.values) => body(api.POST("/api/v1/alert-webhooks", { body: values })), {
    stale: ["webhooks"],
  });
  if (add.data) {
    return (
      <SecretModal
        title={t("webhooks.added")}
        words={t("webhooks.secret_once")}
        secret={add.data.secret}
        note={t("webhooks.secret_use")}
        onClose={onClose}
      />
    );
  }
  return (
    <FormModal
      title={t("webhooks.add")}
      action={t("webhooks.add")}
      busy={add.isPending}
      error={add.error}
      onSubmit={form.onSubmit((values) => add.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }))}
      onClose={onClose}
    >
      <TextInput
        label={t("webhooks.url")}
        description={t("webhooks.url_hint")}
        placeholder="https://"
        type="url"
        required
        data-autofocus
        {...form.getInputProps("url")}
      />
      <TextInput label={t("webhooks.description")} maxLength={255} {...form.getInputProps("description")} />
    </FormModal>
  );
}
