import { Button, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconFingerprint } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { canUsePasskeys, signInByPasskey } from "../../api/passkey";
import type { SecondFactor, Session } from "../../api/types";
import { useAction } from "../../api/use-action";
import { FrontDoor } from "../../ui/front-door";
import { ProblemAlert } from "../../ui/problem-alert";

/** A sign-in whose first step was right. */
export type OpenStep = Pick<SecondFactor, "ticket" | "methods">;

/** The step that a sign-in at a provider leads to. It is behind the hash, which no server sees. */
export function stepOfAddress(hash: string): OpenStep | null {
  const params = new URLSearchParams(hash.slice(1));
  const ticket = params.get("ticket");
  return ticket === null ? null : { ticket, methods: (params.get("methods") ?? "").split(",") };
}

type Props = { step: OpenStep; onDone: (session: Session) => void; onBack: () => void };

export function SecondStep({ step: { ticket, methods }, onDone, onBack }: Props) {
  const { t } = useTranslation();
  const [recovering, setRecovering] = useState(false);
  const withCode = methods.includes("totp");
  const withPasskey = methods.includes("passkey") && canUsePasskeys();
  const passkey = useAction(signInByPasskey, { stale: [], onDone: ({ session }) => onDone(session) });
  return (
    <FrontDoor title={t("second_step.title")} lead={t("second_step.lead")}>
      <Stack>
        <ProblemAlert error={passkey.error} title={t("sign_in.failed")} />
        {withPasskey && !recovering && (
          <Button
            variant={withCode ? "default" : "filled"}
            leftSection={<IconFingerprint size={18} aria-hidden />}
            loading={passkey.isPending}
            onClick={() => passkey.mutate(undefined)}
          >
            {t("second_step.use_passkey")}
          </Button>
        )}
        {withCode && !recovering && <CodeForm key="app" kind="app" ticket={ticket} onDone={onDone} />}
        {recovering && <CodeForm key="recovery" kind="recovery" ticket={ticket} onDone={onDone} />}
        {methods.includes("recovery_code") && (
          <Button variant="subtle" onClick={() => setRecovering(!recovering)}>
            {recovering ? t("second_step.leave_recovery") : t("second_step.use_recovery")}
          </Button>
        )}
        <Button variant="subtle" color="gray" onClick={onBack}>
          {t("second_step.back")}
        </Button>
      </Stack>
    </FrontDoor>
  );
}

function CodeForm({ kind, ticket, onDone }: { kind: "app" | "recovery"; ticket: string; onDone: Props["onDone"] }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { code: "" } });
  const send = useAction(
    ({ code }: typeof form.values) => body(api.POST("/api/v1/session/second-factor", { body: { ticket, code: code.trim() } })),
    { stale: [], onDone: ({ session }) => onDone(session) },
  );
  return (
    <form onSubmit={form.onSubmit((values) => send.mutate(values, { onError: () => form.reset() }))}>
      <Stack>
        <ProblemAlert error={send.error} title={t("sign_in.failed")} />
        <TextInput
          label={t(`second_step.${kind}_code`)}
          description={t(`second_step.${kind}_code_hint`)}
          required
          withAsterisk={false}
          autoFocus
          autoComplete={kind === "app" ? "one-time-code" : "off"}
          inputMode={kind === "app" ? "numeric" : "text"}
          {...form.getInputProps("code")}
        />
        <Button type="submit" loading={send.isPending} fullWidth>
          {t("sign_in.submit")}
        </Button>
      </Stack>
    </form>
  );
}
