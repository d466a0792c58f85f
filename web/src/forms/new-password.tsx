import { PasswordInput, type PasswordInputProps } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** Where somebody chooses a password of their own. */
export function NewPassword(props: PasswordInputProps) {
  const { t } = useTranslation();
  return <PasswordInput description={t("first_run.password_hint")} required autoComplete="new-password" {...props} />;
}
