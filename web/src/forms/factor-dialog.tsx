import { Button, Group, Modal, Stack } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { addPasskey } from "../api/passkey";
import { api, body } from "../api/client";
import type { Factors } from "../api/types";
import { notify } from "../ui/notify";
import { RecoveryCodes } from "../ui/recovery-codes";
import { deviceOf } from "../util/device";
import { AddTotp } from "./add-totp";
import { ProofForm } from "./proof-form";

type Answer = { success: true; recovery_codes?: readonly string[] | null };

/** What can be changed about second factors: the part before the dot names it, the part behind it whose it is. */
type Props = { dialog: string; factors: Factors; onClose: () => void };

export function FactorDialog({ dialog, factors, onClose }: Props) {
  const { t } = useTranslation();
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [kind = "", id] = dialog.split(".");
  const passkey = factors.passkeys.find((known) => known.id === id);
  const finish = ({ recovery_codes }: Answer) => {
    if (recovery_codes) return setCodes(recovery_codes);
    notify(t("settings.saved"));
    onClose();
  };
  if (codes) return <CodesModal codes={codes} onClose={onClose} />;
  const common = { asks: factors.password_needed, onDone: finish, onClose };
  const dialogs: Record<string, () => ReactNode> = {
    totp: () => <AddTotp {...common} />,
    totp_remove: () => (
      <ProofForm
        {...common}
        title={t("factors.totp_remove_title")}
        text={t("factors.remove_text")}
        action={t("action.remove")}
        send={(password) => body(api.POST("/api/v1/me/factors/totp/remove", { body: { password } }))}
      />
    ),
    codes: () => (
      <ProofForm
        {...common}
        title={t("factors.codes_renew")}
        text={t("factors.codes_renew_text")}
        action={t("factors.codes_renew")}
        send={(password) => body(api.POST("/api/v1/me/factors/recovery-codes", { body: { password } }))}
      />
    ),
    passkey: () => (
      <ProofForm
        {...common}
        title={t("factors.passkey_add")}
        text={t("factors.passkey_add_text")}
        action={t("factors.passkey_add")}
        name={deviceOf(navigator.userAgent)}
        send={(password, name) => addPasskey(name, password)}
      />
    ),
  };
  const ofPasskey: Record<string, (of: { id: string; name: string }) => ReactNode> = {
    passkey_rename: ({ id, name }) => (
      <ProofForm
        {...common}
        asks={false}
        title={t("factors.passkey_rename_title", { name })}
        action={t("action.save")}
        name={name}
        send={(_, renamed) =>
          body(api.PATCH("/api/v1/me/factors/passkeys/{id}", { params: { path: { id } }, body: { name: renamed } }))
        }
      />
    ),
    passkey_remove: ({ id, name }) => (
      <ProofForm
        {...common}
        title={t("factors.passkey_remove_title", { name })}
        text={t("factors.remove_text")}
        action={t("action.remove")}
        send={(password) =>
          body(api.POST("/api/v1/me/factors/passkeys/{id}/remove", { params: { path: { id } }, body: { password } }))
        }
      />
    ),
  };
  return dialogs[kind]?.() ?? (passkey && ofPasskey[kind]?.(passkey)) ?? null;
}

function CodesModal({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("factors.codes")}
      // A slip of the mouse must not lose what is shown only once.
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      <Stack>
        <RecoveryCodes codes={codes} />
        <Group justify="flex-end">
          <Button onClick={onClose}>{t("factors.codes_kept")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
