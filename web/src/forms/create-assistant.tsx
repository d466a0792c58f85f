import { SegmentedControl, TextInput, Textarea, Input } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import { useAction } from "../api/use-action";
import { LANGUAGES, type Language } from "../i18n";
import { FormModal } from "../ui/form-modal";
import { notify } from "../ui/notify";

const NAME_MAX = 40;

export function CreateAssistant({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const form = useForm({
    initialValues: { name: "", first_message: "", system_prompt: "", language: i18n.language as Language },
  });
  const create = useAction(
    ({ first_message, system_prompt, ...values }: typeof form.values) =>
      body(
        api.POST("/api/v1/assistants", {
          body: { ...values, ...(first_message && { first_message }), ...(system_prompt && { system_prompt }) },
        }),
      ),
    {
      stale: ["assistants", "setup", "settings", "lines"],
      onDone: ({ assistant }) => {
        notify(t("assistants.created", { name: assistant.name }));
        onClose();
      },
    },
  );
  return (
    <FormModal
      title={t("assistants.create")}
      action={t("action.create")}
      busy={create.isPending}
      error={create.error}
      onSubmit={form.onSubmit((values) => create.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }))}
      onClose={onClose}
    >
      <TextInput
        label={t("assistants.name")}
        description={t("assistants.name_hint")}
        placeholder={t("assistants.name_placeholder")}
        required
        maxLength={NAME_MAX}
        data-autofocus
        {...form.getInputProps("name")}
      />
      <Input.Wrapper label={t("assistants.language")} labelElement="div">
        <SegmentedControl
          fullWidth
          aria-label={t("assistants.language")}
          data={LANGUAGES.map((value) => ({ value, label: t(`language.${value}`) }))}
          {...form.getInputProps("language")}
        />
      </Input.Wrapper>
      <TextInput
        label={t("assistants.first_message")}
        description={t("assistants.first_message_hint")}
        placeholder={t("assistants.first_message_placeholder")}
        {...form.getInputProps("first_message")}
      />
      <Textarea
        label={t("assistants.system_prompt")}
        description={t("assistants.system_prompt_hint")}
        autosize
        minRows={3}
        maxRows={12}
        {...form.getInputProps("system_prompt")}
      />
    </FormModal>
  );
}
