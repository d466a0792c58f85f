import { Avatar, Box, Button, Divider, Group, Popover, SegmentedControl, Stack, Text, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { IconLogout, IconSelector } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, body } from "../api/client";
import type { Session } from "../api/types";
import { useAction } from "../api/use-action";
import { LANGUAGES } from "../i18n";
import { paths } from "../util/paths";
import { ProblemAlert } from "./problem-alert";

const LANGUAGE_CHOICES = ["auto", ...LANGUAGES] as const;
type LanguageChoice = (typeof LANGUAGE_CHOICES)[number];
const THEMES = ["auto", "light", "dark"] as const;

/** Who is signed in, and how the interface should look and speak for them. */
export function AccountMenu({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { member, organisation } = session;
  const signOut = useSignOut();
  return (
    <Popover position="top-start" width={280} shadow="md" trapFocus>
      <Popover.Target>
        <UnstyledButton className="account-button" p="xs">
          <Group wrap="nowrap" gap="sm">
            <Avatar name={member.name} color="brand" radius="xl" size={34} aria-hidden />
            <Box flex={1} miw={0}>
              <Text size="sm" fw={600} truncate>
                <span className="visually-hidden">{t("app.account")} </span>
                {member.name}
              </Text>
              <Text size="xs" c="dimmed" truncate>
                {organisation.name}
              </Text>
            </Box>
            <IconSelector size={16} aria-hidden />
          </Group>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
        <div>
          <Text size="sm" fw={550} truncate>
            {member.email}
          </Text>
          <Text size="xs" c="dimmed">
            {t(`role.${member.role}`)}
          </Text>
        </div>
        <LanguageSelect chosen={member.language ?? "auto"} />
        <ThemeChoice />
        <Divider />
        <Button
          variant="default"
          leftSection={<IconLogout size={16} aria-hidden />}
          loading={signOut.isPending}
          onClick={() => signOut.mutate()}
        >
          {t("app.sign_out")}
        </Button>
        <ProblemAlert error={signOut.error} />
      </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function LanguageSelect({ chosen }: { chosen: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const choose = useAction(
    (language: LanguageChoice) => body(api.PATCH("/api/v1/session", { body: { language: language === "auto" ? null : language } })),
    // The server's own words are in the old language: everything is read again.
    { stale: [], onDone: () => void client.invalidateQueries() },
  );
  return (
    <Box>
      <Text size="xs" c="dimmed" mb={4} id="language-label">
        {t("language.label")}
      </Text>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-labelledby="language-label"
        value={choose.isPending ? choose.variables : chosen}
        onChange={(language) => choose.mutate(language as LanguageChoice)}
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
    <Box>
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
