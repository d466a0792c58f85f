import { Input, PasswordInput, SegmentedControl, Select, Stack, Text, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { queries } from "../api/queries";
import { ProblemAlert } from "../ui/problem-alert";

export type ImportValues = {
  phone_number: string;
  account: "saved" | "other";
  twilio_account_sid: string;
  twilio_auth_token: string;
  assistant_id: string | null;
};

/** The Twilio account that the settings hold, as far as it may be shown. */
export type SavedAccount = { name: string; sid: string } | null;

export function ImportFields({ form, saved }: { form: UseFormReturnType<ImportValues>; saved: SavedAccount }) {
  const { t } = useTranslation();
  return (
    <>
      <TextInput
        label={t("import.number")}
        description={t("import.number_hint")}
        type="tel"
        autoComplete="off"
        required
        autoFocus
        {...form.getInputProps("phone_number")}
      />
      <Input.Wrapper
        label={t("import.account")}
        description={saved ? t("import.account_saved_hint", saved) : t("import.account_none")}
        labelElement="div"
      >
        {saved && (
          <SegmentedControl
            mt={6}
            aria-label={t("import.account")}
            data={[
              { value: "saved", label: t("import.account_saved") },
              { value: "other", label: t("import.account_other") },
            ]}
            {...form.getInputProps("account")}
          />
        )}
      </Input.Wrapper>
      {form.values.account === "other" && (
        <Stack gap="sm">
          <TextInput
            label={t("twilio.account_sid")}
            description={t("twilio.account_sid_hint")}
            required
            autoComplete="off"
            {...form.getInputProps("twilio_account_sid")}
          />
          <PasswordInput
            label={t("twilio.auth_token")}
            description={t("twilio.auth_token_hint")}
            required
            autoComplete="off"
            {...form.getInputProps("twilio_auth_token")}
          />
        </Stack>
      )}
      <AssistantSelect label={t("import.assistant")} none={t("import.assistant_auto")} {...form.getInputProps("assistant_id")} />
    </>
  );
}

type SelectProps = {
  label: string;
  /** What choosing no assistant means here. */
  none: string;
  value?: string | null;
  onChange?: (value: string | null) => void;
  disabled?: boolean;
};

export function AssistantSelect({ label, none, ...select }: SelectProps) {
  const { t } = useTranslation();
  const assistants = useQuery(queries.assistants());
  return (
    <>
      <Select
        label={label}
        placeholder={none}
        data={(assistants.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
        clearable
        searchable
        {...select}
      />
      {assistants.error && <ProblemAlert error={assistants.error} title={t("import.assistants_failed")} />}
      {assistants.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("assistants.empty_title")}
        </Text>
      )}
    </>
  );
}
