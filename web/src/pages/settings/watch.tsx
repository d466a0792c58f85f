import { Button, Card, Checkbox, Group, NumberInput, SimpleGrid, Stack, Switch, Text, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { fieldErrors } from "../../api/problem";
import { queries } from "../../api/queries";
import { useCan } from "../../api/session";
import type { Watch } from "../../api/types";
import { useAction } from "../../api/use-action";
import type en from "../../locales/en.json";
import { Age } from "../../ui/age";
import { ListSkeleton } from "../../ui/data-table";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { WebhooksCard } from "./webhooks";

export function WatchSection() {
  const { data, error, isPending, refetch } = useQuery(queries.watch());
  if (isPending) return <ListSkeleton rows={4} />;
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  return (
    <>
      <WatchForm watch={data} />
      <MailCard />
      <WebhooksCard />
    </>
  );
}

const MINUTES_MAX = 1440;

/** The causes that a repair mends are all in the texts. */
type Repairable = keyof typeof en.cause;

const valuesOf = ({ interval_minutes, repair }: Watch) => ({ interval_minutes, repair });

function WatchForm({ watch }: { watch: Watch }) {
  const { t } = useTranslation();
  const mayChange = useCan("settings.change");
  const form = useForm({ initialValues: valuesOf(watch) });
  const save = useAction(
    async ({ interval_minutes, repair }: typeof form.values) =>
      (await body(api.PATCH("/api/v1/watch", { body: { interval_minutes, repair: repair.join(" ") } }))).watch,
    {
      stale: ["watch"],
      onDone: (saved) => {
        form.setInitialValues(valuesOf(saved));
        form.reset();
        notify(t("settings.saved"));
      },
    },
  );
  const submit = form.onSubmit((values) => save.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  const chooseAll = (all: boolean) => form.setFieldValue("repair", all ? watch.repairable : []);
  return (
    <Card component="form" onSubmit={submit}>
      <Stack>
        <WatchState watch={watch} />
        <ProblemAlert error={save.error} />
        <NumberInput
          label={t("watch.interval")}
          description={t("watch.interval_hint")}
          min={1}
          max={MINUTES_MAX}
          allowDecimal={false}
          required
          maw={320}
          disabled={!mayChange}
          {...form.getInputProps("interval_minutes")}
        />
        <Checkbox.Group
          label={t("watch.repair")}
          description={t("watch.repair_hint")}
          {...form.getInputProps("repair")}
        >
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs" mt="sm">
            {watch.repairable.map((cause) => (
              <Checkbox key={cause} value={cause} label={t(`cause.${cause as Repairable}`)} disabled={!mayChange} />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
        <Group>
          <GuardedButton permission="settings.change" type="submit" loading={save.isPending} disabled={!form.isDirty()}>
            {t("action.save")}
          </GuardedButton>
          {mayChange && (
            <>
              <Button variant="subtle" onClick={() => chooseAll(true)}>
                {t("watch.repair_all")}
              </Button>
              <Button variant="subtle" onClick={() => chooseAll(false)}>
                {t("watch.repair_none")}
              </Button>
            </>
          )}
        </Group>
      </Stack>
    </Card>
  );
}

function WatchState({ watch: { lines, unknown, oldest_look } }: { watch: Watch }) {
  const { t } = useTranslation();
  return (
    <div>
      <Title order={2} size="h4">
        {t("watch.title")}
      </Title>
      <Text size="sm" c="dimmed">
        {t("watch.lines", { count: lines })}
        {unknown > 0 && ` ${t("watch.unknown", { count: unknown })}`}
        {oldest_look && (
          <>
            {` ${t("watch.oldest")} `}
            <Age time={oldest_look} />.
          </>
        )}
      </Text>
    </div>
  );
}

/** Everybody's own choice. */
function MailCard() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.alertMail());
  const choose = useAction((wanted: boolean) => body(api.PUT("/api/v1/alert-mail", { body: { wanted } })), {
    stale: ["alert-mail"],
  });
  return (
    <Card component="section" aria-label={t("watch.mail_title")}>
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t("watch.mail_title")}
        </Title>
        <ProblemAlert error={error ?? choose.error} />
        {data && (
          <Switch
            label={t("watch.mail", { email: data.email })}
            description={data.available ? t("watch.mail_hint") : t("watch.mail_unavailable")}
            checked={choose.isPending ? choose.variables : data.wanted}
            disabled={!data.available}
            onChange={(event) => choose.mutate(event.currentTarget.checked)}
          />
        )}
      </Stack>
    </Card>
  );
}
