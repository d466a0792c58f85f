import { Card, Group, Select, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { fieldErrors } from "../../api/problem";
import { queries } from "../../api/queries";
import { useCan } from "../../api/session";
import type { Organisation } from "../../api/types";
import { useAction } from "../../api/use-action";
import { AssistantSelect } from "../../forms/import-fields";
import { LANGUAGES } from "../../i18n";
import { ListSkeleton } from "../../ui/data-table";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { countries } from "../../util/countries";

export function OrganisationSection() {
  const { data, error, isPending, refetch } = useQuery(queries.organisation());
  if (isPending) return <ListSkeleton rows={4} />;
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  return (
    <>
      <OrganisationForm organisation={data} />
      <SecondFactorCard />
    </>
  );
}

const valuesOf = ({ name, country, language, default_assistant_id }: Organisation) => ({
  name,
  country,
  language,
  default_assistant_id: default_assistant_id ?? null,
});

function OrganisationForm({ organisation }: { organisation: Organisation }) {
  const { t, i18n } = useTranslation();
  const mayChange = useCan("organisation.change");
  const form = useForm({ initialValues: valuesOf(organisation) });
  const save = useAction(
    async (values: typeof form.values) => (await body(api.PATCH("/api/v1/organisation", { body: values }))).organisation,
    {
      stale: ["organisation", "session", "setup"],
      onDone: (saved) => {
        form.setInitialValues(valuesOf(saved));
        form.reset();
        notify(t("settings.saved"));
      },
    },
  );
  const submit = form.onSubmit((values) => save.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  return (
    <Card component="form" onSubmit={submit}>
      <Stack maw={520}>
        <Text size="sm" c="dimmed">
          {t("organisation.lead")}
        </Text>
        <ProblemAlert error={save.error} />
        <TextInput label={t("organisation.name")} required disabled={!mayChange} {...form.getInputProps("name")} />
        <Select
          label={t("organisation.country")}
          description={t("organisation.country_hint")}
          data={countries(i18n.language)}
          searchable
          allowDeselect={false}
          disabled={!mayChange}
          {...form.getInputProps("country")}
        />
        <Select
          label={t("organisation.language")}
          description={t("organisation.language_hint")}
          data={LANGUAGES.map((value) => ({ value, label: t(`language.${value}`) }))}
          allowDeselect={false}
          disabled={!mayChange}
          {...form.getInputProps("language")}
        />
        <AssistantSelect
          label={t("organisation.default_assistant")}
          none={t("organisation.default_assistant_first")}
          disabled={!mayChange}
          {...form.getInputProps("default_assistant_id")}
        />
        <Group>
          <GuardedButton permission="organisation.change" type="submit" loading={save.isPending} disabled={!form.isDirty()}>
            {t("action.save")}
          </GuardedButton>
        </Group>
      </Stack>
    </Card>
  );
}

/** Whether a password alone is enough here. */
function SecondFactorCard() {
  const { t } = useTranslation();
  const mayChange = useCan("organisation.change");
  const { data } = useQuery(queries.factors());
  const choose = useAction((required: boolean) => body(api.PUT("/api/v1/organisation/second-factor", { body: { required } })), {
    stale: ["factors"],
  });
  return (
    <Card component="section" aria-label={t("organisation.second_factor_title")}>
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t("organisation.second_factor_title")}
        </Title>
        <ProblemAlert error={choose.error} />
        {data && (
          <Switch
            label={t("organisation.second_factor")}
            description={t("organisation.second_factor_hint")}
            checked={choose.isPending ? choose.variables : data.required}
            disabled={!mayChange}
            onChange={(event) => choose.mutate(event.currentTarget.checked)}
          />
        )}
      </Stack>
    </Card>
  );
}
