import { Group, PasswordInput, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { fieldErrors } from "../../api/problem";
import { queries } from "../../api/queries";
import { useAction } from "../../api/use-action";
import { ListSkeleton } from "../../ui/data-table";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { ConnectionCard } from "./connection";

const STALE = ["settings", "setup", "assistants", "lines", "vapi-numbers", "operations"] as const;

export function VapiSection() {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useQuery(queries.vapiSettings());
  const disconnect = useAction(() => body(api.DELETE("/api/v1/vapi-settings")), {
    stale: STALE,
    onDone: () => notify(t("vapi.disconnected")),
  });
  if (isPending) return <ListSkeleton rows={3} />;
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  return (
    <ConnectionCard
      name={t("settings.vapi")}
      lead={t("vapi.lead")}
      connected={data.has_vapi_key}
      facts={[
        [t("vapi.key"), t("vapi.key_ends", { last4: data.key_last4 })],
        [t("vapi.org"), <span className="code" key="org">{data.org_id ?? "–"}</span>],
        [t("vapi.assistants"), data.assistants ?? "–"],
      ]}
      disconnect={{
        title: t("vapi.disconnect_title"),
        text: t("vapi.disconnect_text"),
        busy: disconnect.isPending,
        error: disconnect.error,
        run: (onDone) => disconnect.mutate(undefined, { onSuccess: onDone }),
      }}
    >
      <VapiForm connected={data.has_vapi_key} />
    </ConnectionCard>
  );
}

function VapiForm({ connected }: { connected: boolean }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { api_key: "" } });
  const save = useAction((values: typeof form.values) => body(api.PUT("/api/v1/vapi-settings", { body: values })), {
    stale: STALE,
    onDone: () => {
      form.reset();
      notify(t("settings.saved"));
    },
  });
  const submit = form.onSubmit((values) => save.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  return (
    <form onSubmit={submit}>
      <Stack maw={520}>
        <ProblemAlert error={save.error} />
        <PasswordInput
          label={connected ? t("vapi.replace") : t("vapi.api_key")}
          description={t("vapi.api_key_hint")}
          required
          autoComplete="off"
          {...form.getInputProps("api_key")}
        />
        <Group>
          <GuardedButton permission="settings.change" type="submit" loading={save.isPending}>
            {t("action.save_check")}
          </GuardedButton>
        </Group>
      </Stack>
    </form>
  );
}
