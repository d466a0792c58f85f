import { notifications } from "@mantine/notifications";

/** A short, polite word that something went well; errors stay beside what they are about. */
export function notify(message: string): void {
  notifications.show({ message, color: "brand", autoClose: 5000 });
}
