import { Anchor, Center, CopyButton, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { useAction } from "../api/use-action";
import { FormModal } from "../ui/form-modal";
import { QrCode } from "../ui/qr-code";
import { ProofForm } from "./proof-form";

type Added = { success: true; recovery_codes: readonly string[] | null };
type Props = { asks: boolean; onDone: (added: Added) => void; onClose: () => void };

/** First the secret, then a code that proves that the app has it. */
export function AddTotp({ asks, onDone, onClose }: Props) {
  const { t } = useTranslation();
  const [begun, setBegun] = useState<{ secret: string; uri: string } | null>(null);
  if (begun) return <ConfirmTotp {...begun} onDone={onDone} onClose={onClose} />;
  return (
    <ProofForm
      title={t("factors.totp_add")}
      text={t("factors.totp_text")}
      action={t("factors.totp_begin")}
      asks={asks}
      send={(password) => body(api.POST("/api/v1/me/factors/totp", { body: { password } }))}
      onDone={setBegun}
      onClose={onClose}
    />
  );
}

function ConfirmTotp({ secret, uri, onDone, onClose }: { secret: string; uri: string } & Omit<Props, "asks">) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { code: "" } });
  const confirm = useAction(
    ({ code }: typeof form.values) => body(api.POST("/api/v1/me/factors/totp/confirm", { body: { code: code.replaceAll(" ", "") } })),
    { stale: ["factors"], onDone },
  );
  return (
    <FormModal
      title={t("factors.totp_add")}
      action={t("factors.totp_confirm")}
      busy={confirm.isPending}
      error={confirm.error}
      onSubmit={form.onSubmit((values) => confirm.mutate(values, { onError: () => form.reset() }))}
      onClose={onClose}
    >
      <Text size="sm">{t("factors.totp_scan")}</Text>
      <Center>
        <QrCode text={uri} label={t("factors.totp_qr")} />
      </Center>
      <Stack gap={4}>
        <Text size="sm" c="dimmed">
          {t("factors.totp_type")}
        </Text>
        <Text className="code" data-testid="totp-secret">
          {secret.replace(/(.{4})(?!$)/g, "$1 ")}
        </Text>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Anchor component="button" type="button" size="sm" ta="start" onClick={copy}>
              {copied ? t("action.copied") : t("action.copy")}
            </Anchor>
          )}
        </CopyButton>
      </Stack>
      <TextInput
        label={t("second_step.app_code")}
        description={t("second_step.app_code_hint")}
        required
        autoComplete="one-time-code"
        inputMode="numeric"
        {...form.getInputProps("code")}
      />
    </FormModal>
  );
}
