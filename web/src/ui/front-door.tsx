import { Box, Button, Card, Center, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, chooseBrowserLanguage, useLanguage } from "../i18n";
import { Logo } from "./logo";

/** The frame of the pages before signing in. */
export function FrontDoor({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  const { t, i18n } = useTranslation();
  useDocumentTitle(`${title} · ${t("app.name")}`);
  useLanguage(null);
  return (
    <Center mih="100dvh" p="md" component="main">
      <Box w="100%" maw={420}>
        <Group justify="center" mb="xl">
          <Logo size={34} />
        </Group>
        <Card padding="xl" shadow="sm">
          <Stack gap={4} mb="lg">
            <Title order={1} size="h3">
              {title}
            </Title>
            <Text c="dimmed" size="sm">
              {lead}
            </Text>
          </Stack>
          {children}
        </Card>
        <Group justify="center" gap={4} mt="md">
          {LANGUAGES.map((language) => (
            <Button
              key={language}
              size="compact-sm"
              variant={i18n.language === language ? "light" : "subtle"}
              aria-pressed={i18n.language === language}
              lang={language}
              onClick={() => chooseBrowserLanguage(language)}
            >
              {t(`language.${language}`)}
            </Button>
          ))}
        </Group>
      </Box>
    </Center>
  );
}
