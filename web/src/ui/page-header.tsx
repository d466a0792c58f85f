import { Box, Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

type Props = { title: string; lead?: ReactNode; action?: ReactNode; numeric?: boolean };

export function PageHeader({ title, lead, action, numeric = false }: Props) {
  const { t } = useTranslation();
  useDocumentTitle(`${title} · ${t("app.name")}`);
  return (
    <Group justify="space-between" align="flex-end" gap="md" mb="lg">
      <Box>
        <Title order={1} size="h2" className={numeric ? "number" : undefined}>
          {title}
        </Title>
        {lead && (
          <Text component="div" c="dimmed" mt={4}>
            {lead}
          </Text>
        )}
      </Box>
      {action}
    </Group>
  );
}
