import { ActionIcon, Alert, CopyButton, Group, Text } from "@mantine/core";
import { IconCheck, IconCopy, IconKey } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** A secret that the server shows only in this one answer. */
export function SecretOnce({ title, secret }: { title: string; secret: string }) {
  const { t } = useTranslation();
  return (
    <Alert color="brand" icon={<IconKey />} title={title} role="status">
      <Group wrap="nowrap" justify="space-between">
        <Text className="code" data-testid="secret">
          {secret}
        </Text>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <ActionIcon variant="light" size="lg" onClick={copy} aria-label={copied ? t("action.copied") : t("action.copy")}>
              {copied ? <IconCheck size={18} /> : <IconCopy size={18} />}
            </ActionIcon>
          )}
        </CopyButton>
      </Group>
    </Alert>
  );
}
