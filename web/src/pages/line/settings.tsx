import { Button, Card, Group, PasswordInput, Select, Stack, Text, TextInput, Textarea, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, body } from "../../api/client";
import { useRemoveLine } from "../../api/operations";
import { fieldErrors } from "../../api/problem";
import { useCan } from "../../api/session";
import type { Line } from "../../api/types";
import { useAction } from "../../api/use-action";
import { AssistantSelect } from "../../forms/import-fields";
import { ConfirmModal } from "../../ui/confirm-modal";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { paths } from "../../util/paths";
import { useUrlState } from "../../util/url-state";

export function LineSettings({ line }: { line: Line }) {
  return (
    <Stack>
      <LineForm line={line} />
      <DangerZone line={line} />
    </Stack>
  );
}

const valuesOf = (line: Line) => ({
  friendly_name: line.friendly_name,
  notes: line.notes ?? "",
  assistant_id: line.assistant_id ?? null,
  sms_owner: line.sms_owner,
  server_url: line.server_url ?? "",
  server_secret: "",
});

/** Only what was changed is sent: an untouched field must not undo what someone else changed meanwhile. */
function changesOf(before: ReturnType<typeof valuesOf>, after: ReturnType<typeof valuesOf>) {
  const changed = Object.entries(after).filter(([field, value]) => value !== before[field as keyof typeof before]);
  return Object.fromEntries(changed.map(([field, value]) => [field, field === "server_url" && value === "" ? null : value]));
}

function LineForm({ line }: { line: Line }) {
  const { t } = useTranslation();
  const mayChange = useCan("lines.change");
  const form = useForm({ initialValues: valuesOf(line) });
  const save = useAction(
    (values: typeof form.values) =>
      body(
        api.PATCH("/api/v1/lines/{line}", { params: { path: { line: line.id } }, body: changesOf(valuesOf(line), values) }),
      ),
    {
      stale: ["line", "lines", "operations", "doctor"],
      onDone: ({ line, operation }) => {
        form.setInitialValues(valuesOf(line));
        form.reset();
        notify(operation ? t("line_settings.saved_operation") : t("line_settings.saved"));
      },
    },
  );
  const submit = form.onSubmit((values) => save.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  const sms = (["twilio", "vapi"] as const).map((value) => ({ value, label: t(`line_settings.sms_${value}`) }));
  return (
    <Card component="form" onSubmit={submit}>
      <Stack maw={560}>
        <ProblemAlert error={save.error} />
        <TextInput
          label={t("line_settings.friendly_name")}
          required
          maxLength={255}
          disabled={!mayChange}
          {...form.getInputProps("friendly_name")}
        />
        <AssistantSelect
          label={t("line_settings.assistant")}
          none={t("line_settings.assistant_none")}
          disabled={!mayChange}
          {...form.getInputProps("assistant_id")}
        />
        <Select
          label={t("line_settings.sms_owner")}
          data={sms}
          allowDeselect={false}
          disabled={!mayChange}
          {...form.getInputProps("sms_owner")}
        />
        <Textarea label={t("line_settings.notes")} autosize minRows={2} disabled={!mayChange} {...form.getInputProps("notes")} />
        <Title order={2} size="h5" mt="sm">
          {t("line_settings.server")}
        </Title>
        <Text size="sm" c="dimmed">
          {t("line_settings.server_lead")}
        </Text>
        <TextInput
          label={t("line_settings.server_url")}
          type="url"
          placeholder="https://"
          disabled={!mayChange}
          {...form.getInputProps("server_url")}
        />
        <PasswordInput
          label={t("line_settings.server_secret")}
          description={line.has_server_secret ? t("line_settings.server_secret_kept") : undefined}
          autoComplete="off"
          disabled={!mayChange}
          {...form.getInputProps("server_secret")}
        />
        <Group>
          <GuardedButton permission="lines.change" type="submit" loading={save.isPending} disabled={!form.isDirty()}>
            {t("action.save")}
          </GuardedButton>
        </Group>
      </Stack>
    </Card>
  );
}

function DangerZone({ line }: { line: Line }) {
  const { t } = useTranslation();
  const number = line.phone_number;
  const navigate = useNavigate();
  const [asking, setAsking] = useUrlState("remove");
  const remove = useRemoveLine(line.id, () => {
    notify(t("line_settings.removed", { number }));
    void navigate(paths.lines(), { replace: true });
  });
  if (!useCan("lines.change")) return null;
  return (
    <Card>
      <Title order={2} size="h5">
        {t("line_settings.danger")}
      </Title>
      <Text size="sm" c="dimmed" my="xs" maw={640}>
        {t("line_settings.danger_text")}
      </Text>
      <Button color="red" variant="light" onClick={() => setAsking("")}>
        {t("line_settings.remove")}
      </Button>
      {asking !== null && (
        <ConfirmModal
          title={t("line_settings.remove_title", { number })}
          text={t("line_settings.danger_text")}
          action={t("line_settings.remove")}
          phrase={{ label: t("line_settings.remove_confirm", { number }), value: number }}
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate(number)}
          onClose={() => setAsking(null)}
        />
      )}
    </Card>
  );
}
