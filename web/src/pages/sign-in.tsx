import { Alert, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconLinkOff } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { api, body } from "../api/client";
import { queries } from "../api/queries";
import { useAction } from "../api/use-action";
import { FrontDoor } from "../ui/front-door";
import { ProblemAlert } from "../ui/problem-alert";
import { safeNext } from "../util/paths";

export function SignInPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const form = useForm({ mode: "uncontrolled", initialValues: { email: "", password: "" } });
  const signIn = useAction((values: typeof form.values) => body(api.POST("/api/v1/session", { body: values })), {
    stale: [],
    onDone: ({ session }) => {
      client.setQueryData(queries.session().queryKey, session);
      void navigate(safeNext(params.get("next")), { replace: true });
    },
  });

  return (
    <FrontDoor title={t("sign_in.title")} lead={t("sign_in.lead")}>
      <form onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
        <Stack>
          {params.get("link") === "used" && signIn.isIdle && (
            <Alert color="yellow" icon={<IconLinkOff />} title={t("sign_in.link_used_title")}>
              {t("sign_in.link_used")}
            </Alert>
          )}
          <ProblemAlert error={signIn.error} title={t("sign_in.failed")} />
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
          <PasswordInput
            label={t("sign_in.password")}
            autoComplete="current-password"
            required
            withAsterisk={false}
            key={form.key("password")}
            {...form.getInputProps("password")}
          />
          <Button type="submit" loading={signIn.isPending} fullWidth mt="xs">
            {t("sign_in.submit")}
          </Button>
        </Stack>
      </form>
    </FrontDoor>
  );
}
