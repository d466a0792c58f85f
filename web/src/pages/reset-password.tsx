import { Alert, Anchor, Button, Checkbox, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconCheck, IconMail } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import { useAction } from "../api/use-action";
import { NewPassword } from "../forms/new-password";
import { FrontDoor } from "../ui/front-door";
import { ProblemAlert } from "../ui/problem-alert";
import { paths } from "../util/paths";

/** Asks for the link that the page below is for. The answer is the same whether anybody has the address. */
export function AskResetPage() {
  const { t } = useTranslation();
  const form = useForm({ mode: "uncontrolled", initialValues: { email: "" } });
  const ask = useAction((values: typeof form.values) => body(api.POST("/api/v1/password-reset", { body: values })), { stale: [] });
  return (
    <FrontDoor title={t("reset.ask_title")} lead={t("reset.ask_lead")}>
      <Stack>
        {ask.isSuccess ? (
          <Alert role="status" icon={<IconMail />} title={t("reset.sent_title")}>
            {t("reset.sent", { email: ask.variables.email })}
          </Alert>
        ) : (
          <form onSubmit={form.onSubmit((values) => ask.mutate(values))}>
            <Stack>
              <ProblemAlert error={ask.error} title={t("reset.ask_failed")} />
              <TextInput
                label={t("sign_in.email")}
                type="email"
                autoComplete="username"
                required
                withAsterisk={false}
                autoFocus
                key={form.key("email")}
                {...form.getInputProps("email")}
              />
              <Button type="submit" loading={ask.isPending} fullWidth>
                {t("reset.ask")}
              </Button>
            </Stack>
          </form>
        )}
        <BackToSignIn />
      </Stack>
    </FrontDoor>
  );
}

/** Where a mailed link leads. */
export function ResetPasswordPage() {
  const { t } = useTranslation();
  const { secret: code = "" } = useParams();
  const form = useForm({ mode: "uncontrolled", initialValues: { password: "", revoke_tokens: false } });
  const reset = useAction(
    (values: typeof form.values) => body(api.POST("/api/v1/password-reset/complete", { body: { code, ...values } })),
    { stale: [] },
  );
  if (reset.isSuccess) {
    return (
      <FrontDoor title={t("reset.done_title")} lead={t("reset.done")}>
        <Button component={Link} to={paths.signIn()} fullWidth leftSection={<IconCheck size={18} aria-hidden />}>
          {t("sign_in.submit")}
        </Button>
      </FrontDoor>
    );
  }
  const submit = form.onSubmit((values) => reset.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  return (
    <FrontDoor title={t("reset.title")} lead={t("reset.lead")}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemAlert error={reset.error} title={t("reset.failed")} />
          <NewPassword
            label={t("password.new")}
            autoFocus
            key={form.key("password")}
            {...form.getInputProps("password")}
          />
          <Checkbox
            label={t("password.revoke_tokens")}
            description={t("password.revoke_tokens_hint")}
            key={form.key("revoke_tokens")}
            {...form.getInputProps("revoke_tokens", { type: "checkbox" })}
          />
          <Button type="submit" loading={reset.isPending} fullWidth mt="xs">
            {t("password.save")}
          </Button>
          <BackToSignIn />
        </Stack>
      </form>
    </FrontDoor>
  );
}

function BackToSignIn() {
  const { t } = useTranslation();
  return (
    <Anchor component={Link} to={paths.signIn()} size="sm" ta="center">
      {t("reset.back")}
    </Anchor>
  );
}
