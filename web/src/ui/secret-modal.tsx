import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { SecretOnce } from "./secret-once";

type Props = { title: string; words: string; secret: string; note?: string; onClose: () => void };

/** What a form becomes once its answer holds a secret that is shown only now. */
export function SecretModal({ title, words, secret, note, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("action.close") }}>
      <Stack>
        <SecretOnce title={words} secret={secret} />
        {note && <Text size="sm">{note}</Text>}
        <Group justify="flex-end">
          <Button onClick={onClose}>{t("action.done")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
