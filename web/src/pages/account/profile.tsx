import { Group, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { fieldErrors } from "../../api/problem";
import { useSession } from "../../api/session";
import type { Member } from "../../api/types";
import { useAction } from "../../api/use-action";
import { LANGUAGES, type Language } from "../../i18n";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";

const AUTO = "auto";
const ZONES = Intl.supportedValuesOf("timeZone");

const valuesOf = ({ name, language, time_zone }: Pick<Member, "name" | "language" | "time_zone">) => ({
  name,
  language: language ?? AUTO,
  time_zone: time_zone ?? AUTO,
});

export function ProfileSection() {
  const { t } = useTranslation();
  const { member } = useSession();
  const form = useForm({ initialValues: valuesOf(member) });
  const save = useAction(
    async ({ name, language, time_zone }: typeof form.values) => {
      const change = {
        name,
        language: language === AUTO ? null : (language as Language),
        time_zone: time_zone === AUTO ? null : time_zone,
      };
      return (await body(api.PATCH("/api/v1/me", { body: change }))).account;
    },
    {
      stale: ["session", "members"],
      onDone: (saved) => {
        form.setInitialValues(valuesOf(saved));
        form.reset();
        notify(t("settings.saved"));
      },
    },
  );
  const submit = form.onSubmit((values) => save.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  const zones = [...new Set([member.time_zone ?? [], ZONES].flat())];
  return (
    <form onSubmit={submit}>
      <Stack maw={520}>
        <ProblemAlert error={save.error} />
        <TextInput label={t("first_run.name")} required autoComplete="name" {...form.getInputProps("name")} />
        <TextInput label={t("sign_in.email")} readOnly variant="filled" value={member.email} />
        <Select
          label={t("language.label")}
          data={[AUTO, ...LANGUAGES].map((value) => ({ value, label: t(`language.${value as "auto" | Language}`) }))}
          allowDeselect={false}
          {...form.getInputProps("language")}
        />
        <Select
          label={t("account.time_zone")}
          description={t("account.time_zone_hint")}
          data={[{ value: AUTO, label: t("language.auto") }, ...zones.map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }))]}
          searchable
          allowDeselect={false}
          {...form.getInputProps("time_zone")}
        />
        <Group>
          <GuardedButton permission="account.own" type="submit" loading={save.isPending} disabled={!form.isDirty()}>
            {t("action.save")}
          </GuardedButton>
        </Group>
      </Stack>
    </form>
  );
}
