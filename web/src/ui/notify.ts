import { notifications } from "@mantine/notifications";
import i18next from "i18next";

/** A short, polite word that something went well; errors stay beside what they are about. */
export function notify(message: string): void {
  notifications.show({ message, color: "brand", autoClose: 5000, closeButtonProps: { "aria-label": i18next.t("action.close") } });
}
