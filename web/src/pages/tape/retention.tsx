import { Button, Group, NumberInput, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { queries } from "../../api/queries";
import { useCan } from "../../api/session";
import { useAction } from "../../api/use-action";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";

const DAYS_MAX = 3650;

/** How long requests are kept, for whoever may change it to change. */
export function TapeRetention() {
  const { t } = useTranslation();
  const mayChange = useCan("settings.change");
  const { data } = useQuery(queries.tapeSettings());
  if (!data) return null;
  if (mayChange) return <RetentionForm days={data.days} />;
  return (
    <Text size="sm" c="dimmed">
      {t("tape.kept", { count: data.days })}
    </Text>
  );
}

function RetentionForm({ days }: { days: number }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { days } });
  const save = useAction((values: { days: number }) => body(api.PUT("/api/v1/tape-settings", { body: values })), {
    stale: ["tape"],
    onDone: (saved) => {
      form.setInitialValues({ days: saved.days });
      form.reset();
      notify(t("settings.saved"));
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Group align="flex-end" gap="sm">
        <NumberInput
          label={t("tape.keep_days")}
          min={1}
          max={DAYS_MAX}
          allowDecimal={false}
          w={280}
          {...form.getInputProps("days")}
        />
        <Button type="submit" variant="default" loading={save.isPending} disabled={!form.isDirty()}>
          {t("action.save")}
        </Button>
      </Group>
      <ProblemAlert error={save.error} />
    </form>
  );
}
