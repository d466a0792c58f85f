import { Button, Checkbox, Group, PasswordInput, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { fieldErrors } from "../../api/problem";
import { useAction } from "../../api/use-action";
import { NewPassword } from "../../forms/new-password";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";

export function PasswordSection() {
  const { t } = useTranslation();
  const form = useForm({ mode: "uncontrolled", initialValues: { current_password: "", new_password: "", revoke_tokens: false } });
  const change = useAction((values: typeof form.values) => body(api.PUT("/api/v1/me/password", { body: values })), {
    stale: ["session", "sessions", "tokens", "factors"],
    onDone: () => {
      form.reset();
      notify(t("password.changed"));
    },
  });
  const submit = form.onSubmit((values) => change.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  return (
    <form onSubmit={submit}>
      <Stack maw={520}>
        <ProblemAlert error={change.error} />
        <PasswordInput
          label={t("password.current")}
          required
          autoComplete="current-password"
          key={form.key("current_password")}
          {...form.getInputProps("current_password")}
        />
        <NewPassword
          label={t("password.new")}
          key={form.key("new_password")}
          {...form.getInputProps("new_password")}
        />
        <Checkbox
          label={t("password.revoke_tokens")}
          description={t("password.revoke_tokens_hint")}
          key={form.key("revoke_tokens")}
          {...form.getInputProps("revoke_tokens", { type: "checkbox" })}
        />
        <Group>
          <Button type="submit" loading={change.isPending}>
            {t("password.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
