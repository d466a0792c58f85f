import { Alert, Button, CopyButton, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconCheck, IconCopy, IconLifebuoy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

/** The codes for when every second factor is lost; the server shows them only in this one answer. */
export function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const { t } = useTranslation();
  return (
    <Alert color="brand" icon={<IconLifebuoy />} title={t("factors.codes_once")} role="status">
      <Stack align="flex-start">
        <Text size="sm">{t("factors.codes_once_text")}</Text>
        <SimpleGrid cols={2} spacing="xl" verticalSpacing={4} data-testid="recovery-codes">
          {codes.map((code) => (
            <Text key={code} className="code">
              {code}
            </Text>
          ))}
        </SimpleGrid>
        <CopyButton value={codes.join("\n")}>
          {({ copied, copy }) => (
            <Button size="xs" variant="light" onClick={copy} leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />}>
              {copied ? t("action.copied") : t("action.copy")}
            </Button>
          )}
        </CopyButton>
      </Stack>
    </Alert>
  );
}
