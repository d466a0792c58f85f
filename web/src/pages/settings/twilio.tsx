import { Alert, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconInfoCircle } from "@tabler/icons-react";
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

const STALE = ["settings", "setup", "lines", "vapi-numbers", "operations"] as const;

export function TwilioSection() {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useQuery(queries.twilioSettings());
  const disconnect = useAction(() => body(api.DELETE("/api/v1/twilio-settings")), {
    stale: STALE,
    onDone: () => notify(t("twilio.disconnected")),
  });
  if (isPending) return <ListSkeleton rows={4} />;
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  const type = data.account?.type === "trial" ? t("twilio.type_trial") : t("twilio.type_full");
  return (
    <ConnectionCard
      name={t("settings.twilio")}
      lead={t("twilio.lead")}
      connected={data.has_twilio_credentials}
      facts={[
        [t("twilio.account"), data.account ? `${data.account.friendly_name} (${type})` : "–"],
        [t("twilio.account_sid"), <span className="code" key="sid">{data.account_sid_preview}</span>],
        [t("twilio.token"), t("twilio.token_ends", { last4: data.auth_token_last4 })],
        [t("twilio.phone_number"), <span className="number" key="number">{data.phone_number ?? "–"}</span>],
      ]}
      disconnect={{
        title: t("twilio.disconnect_title"),
        text: t("twilio.disconnect_text"),
        busy: disconnect.isPending,
        error: disconnect.error,
        run: (onDone) => disconnect.mutate(undefined, { onSuccess: onDone }),
      }}
    >
      <TwilioForm key={String(data.has_twilio_credentials)} saved={data} />
    </ConnectionCard>
  );
}

type Saved = { has_twilio_credentials: boolean; phone_number?: string | null; auth_token_last4?: string | null };

function TwilioForm({ saved }: { saved: Saved }) {
  const { t } = useTranslation();
  const form = useForm({
    initialValues: { account_sid: "", auth_token: "", phone_number: saved.phone_number ?? "" },
  });
  const save = useAction(
    ({ account_sid, auth_token, phone_number }: typeof form.values) =>
      body(
        api.PUT("/api/v1/twilio-settings", {
          body: { account_sid, ...(auth_token && { auth_token }), ...(phone_number && { phone_number }) },
        }),
      ),
    {
      stale: STALE,
      onDone: ({ phone_number }) => {
        form.setValues({ account_sid: "", auth_token: "", phone_number: phone_number ?? "" });
        notify(t("settings.saved"));
      },
    },
  );
  const submit = form.onSubmit((values) => save.mutate(values, { onError: (error) => form.setErrors(fieldErrors(error)) }));
  return (
    <form onSubmit={submit}>
      <Stack maw={520}>
        <ProblemAlert error={save.error} />
        <Warnings warnings={save.data?.warnings ?? []} />
        <TextInput
          label={t("twilio.account_sid")}
          description={t("twilio.account_sid_hint")}
          placeholder="AC…"
          required
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps("account_sid")}
        />
        <PasswordInput
          label={t("twilio.auth_token")}
          description={
            saved.has_twilio_credentials
              ? t("settings.secret_kept", { last4: saved.auth_token_last4 })
              : t("twilio.auth_token_hint")
          }
          required={!saved.has_twilio_credentials}
          autoComplete="off"
          {...form.getInputProps("auth_token")}
        />
        <TextInput
          label={t("twilio.phone_number")}
          description={t("twilio.phone_number_hint")}
          placeholder="+33612345678"
          type="tel"
          autoComplete="off"
          {...form.getInputProps("phone_number")}
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

function Warnings({ warnings }: { warnings: readonly { code: string; message: string }[] }) {
  const { t } = useTranslation();
  return warnings.map(({ code, message }) => (
    <Alert key={code} role="status" color="yellow" icon={<IconInfoCircle />} title={t("problem.warning")}>
      <Text size="sm">{message}</Text>
    </Alert>
  ));
}
