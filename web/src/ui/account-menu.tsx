import { Avatar, Box, Group, Menu, SegmentedControl, Text, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { IconLogout, IconSelector } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, body } from "../api/client";
import type { Session } from "../api/types";
import { useAction } from "../api/use-action";
import { paths } from "../util/paths";
import { ProblemAlert } from "./problem-alert";

const LANGUAGE_CHOICES = ["auto", "en", "fr"] as const;
const THEMES = ["auto", "light", "dark"] as const;

/** Who is signed in, and how the interface should look and speak for them. */
export function AccountMenu({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { member, organisation } = session;
  const signOut = useSignOut();
  return (
    <Menu position="top-start" width={260} shadow="md" closeOnItemClick={false}>
      <Menu.Target>
        <UnstyledButton className="area-link" p="xs" aria-label={t("app.account_menu", { name: member.name })}>
          <Group wrap="nowrap" gap="sm">
            <Avatar name={member.name} color="brand" radius="xl" size={34} aria-hidden />
            <Box flex={1} miw={0}>
              <Text size="sm" fw={600} truncate>
                {member.name}
              </Text>
              <Text size="xs" c="dimmed" truncate>
                {organisation.name}
              </Text>
            </Box>
            <IconSelector size={16} aria-hidden />
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{`${member.email} · ${t(`role.${member.role}`)}`}</Menu.Label>
        <LanguageChoice chosen={member.language ?? "auto"} />
        <ThemeChoice />
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => signOut.mutate()}>
          {t("app.sign_out")}
        </Menu.Item>
        <ProblemAlert error={signOut.error} />
      </Menu.Dropdown>
    </Menu>
  );
}

function LanguageChoice({ chosen }: { chosen: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const choose = useAction(
    (language: string) => body(api.PATCH("/api/v1/session", { body: { language: language === "auto" ? null : language } })),
    // The server's own words are in the old language: everything is read again.
    { stale: [], onDone: () => void client.invalidateQueries() },
  );
  return (
    <Box px="sm" py={6}>
      <Text size="xs" c="dimmed" mb={4} id="language-label">
        {t("language.label")}
      </Text>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-labelledby="language-label"
        value={choose.isPending ? choose.variables : chosen}
        onChange={(language) => choose.mutate(language)}
        data={LANGUAGE_CHOICES.map((value) => ({ value, label: t(`language.${value}`) }))}
      />
      <ProblemAlert error={choose.error} />
    </Box>
  );
}

function ThemeChoice() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Box px="sm" py={6}>
      <Text size="xs" c="dimmed" mb={4} id="theme-label">
        {t("theme.label")}
      </Text>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-labelledby="theme-label"
        value={colorScheme}
        onChange={setColorScheme}
        data={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
      />
    </Box>
  );
}

function useSignOut() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useAction(() => body(api.DELETE("/api/v1/session")), {
    stale: [],
    onDone: () => {
      void navigate(paths.signIn());
      client.clear();
    },
  });
}
