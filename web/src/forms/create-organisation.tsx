import { TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { useSwitch } from "../api/account";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import { useAction } from "../api/use-action";
import { FormModal } from "../ui/form-modal";

/** Makes another organisation, whose owner the person is, and goes there. */
export function CreateOrganisation({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { name: "" } });
  const change = useSwitch();
  const create = useAction(
    (values: typeof form.values) => body(api.POST("/api/v1/organisations", { body: values })),
    { stale: ["organisations"], onDone: ({ organisation }) => change.mutate(organisation.id, { onSuccess: onClose }) },
  );
  return (
    <FormModal
      title={t("organisations.create")}
      action={t("action.create")}
      busy={create.isPending || change.isPending}
      error={create.error ?? change.error}
      onSubmit={form.onSubmit((values) => create.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }))}
      onClose={onClose}
    >
      <TextInput
        label={t("organisation.name")}
        description={t("organisations.create_hint")}
        required
        data-autofocus
        autoComplete="organization"
        {...form.getInputProps("name")}
      />
    </FormModal>
  );
}
