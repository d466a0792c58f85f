import { Button, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Navigate, useSearchParams } from "react-router";
import { api, body } from "../api/client";
import { fieldErrors } from "../api/problem";
import { queries } from "../api/queries";
import { useAction } from "../api/use-action";
import { NewPassword } from "../forms/new-password";
import type { Language } from "../i18n";
import { FrontDoor } from "../ui/front-door";
import { ProblemAlert } from "../ui/problem-alert";
import { countries } from "../util/countries";
import { paths } from "../util/paths";

export function FirstRunPage() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const [params] = useSearchParams();
  const needed = useQuery(queries.setupNeeded());
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { code: params.get("code") ?? "", organisation: "", country: "FR", name: "", email: "", password: "" },
  });
  const create = useAction(
    (values: typeof form.values) => body(api.POST("/api/v1/setup", { body: { ...values, language: i18n.language as Language } })),
    {
      stale: [],
      onDone: () => {
        client.removeQueries({ queryKey: queries.session().queryKey });
        client.setQueryData(queries.setupNeeded().queryKey, { success: true, setup_needed: false });
      },
    },
  );
  // Whoever just did it has a session and passes; others are sent on to sign in.
  if (needed.data?.setup_needed === false) return <Navigate to={paths.lines()} replace />;
  const submit = form.onSubmit((values) => create.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));

  return (
    <FrontDoor title={t("first_run.title")} lead={t("first_run.lead")}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemAlert error={create.error} />
          <TextInput
            label={t("first_run.code")}
            description={t("first_run.code_hint")}
            required
            autoComplete="off"
            autoFocus
            key={form.key("code")}
            {...form.getInputProps("code")}
          />
          <TextInput
            label={t("first_run.organisation")}
            required
            autoComplete="organization"
            key={form.key("organisation")}
            {...form.getInputProps("organisation")}
          />
          <Select
            label={t("organisation.country")}
            description={t("organisation.country_hint")}
            data={countries(i18n.language)}
            searchable
            required
            allowDeselect={false}
            key={form.key("country")}
            {...form.getInputProps("country")}
          />
          <TextInput label={t("first_run.name")} required autoComplete="name" key={form.key("name")} {...form.getInputProps("name")} />
          <TextInput
            label={t("first_run.email")}
            type="email"
            required
            autoComplete="username"
            key={form.key("email")}
            {...form.getInputProps("email")}
          />
          <NewPassword
            label={t("first_run.password")}
            key={form.key("password")}
            {...form.getInputProps("password")}
          />
          <Button type="submit" loading={create.isPending} fullWidth mt="xs">
            {t("first_run.submit")}
          </Button>
        </Stack>
      </form>
    </FrontDoor>
  );
}
