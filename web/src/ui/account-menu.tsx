import {
  Avatar,
  Box,
  Button,
  Divider,
  Group,
  NavLink,
  Popover,
  SegmentedControl,
  Stack,
  Text,
  UnstyledButton,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBuilding, IconCheck, IconLogout, IconPlus, IconSelector, IconUserCog } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Suspense, lazy } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useSignOut, useSwitch } from "../api/account";
import { api, body } from "../api/client";
import { queries } from "../api/queries";
import type { Session } from "../api/types";
import { useAction } from "../api/use-action";
import { LANGUAGES } from "../i18n";
import { paths } from "../util/paths";
import { ProblemAlert } from "./problem-alert";

const LANGUAGE_CHOICES = ["auto", ...LANGUAGES] as const;
type LanguageChoice = (typeof LANGUAGE_CHOICES)[number];
const THEMES = ["auto", "light", "dark"] as const;

const CreateOrganisation = lazy(async () => ({ default: (await import("../forms/create-organisation")).CreateOrganisation }));

/** Who is signed in, and how the interface should look and speak for them. */
export function AccountMenu({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { member } = session;
  const signOut = useSignOut();
  const [open, { toggle, close }] = useDisclosure();
  const [creating, creation] = useDisclosure();
  return (
    <>
      <Popover position="top-start" width={300} shadow="md" trapFocus opened={open} onDismiss={close}>
        <Popover.Target>
          <UnstyledButton className="account-button" p="xs" onClick={toggle}>
            <Who session={session} />
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="sm">
            <Text size="sm" fw={550} truncate>
              {member.email}
            </Text>
            <Organisations onDone={close} onCreate={creation.open} />
            <NavLink
              component={Link}
              to={paths.account()}
              label={t("account.title")}
              leftSection={<IconUserCog size={18} stroke={1.7} aria-hidden />}
              className="area-link"
              onClick={close}
            />
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
      {creating && (
        <Suspense>
          <CreateOrganisation onClose={creation.close} />
        </Suspense>
      )}
    </>
  );
}

function Who({ session: { member, organisation } }: { session: Session }) {
  const { t } = useTranslation();
  return (
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
  );
}

/** The person's organisations, to change between them. */
function Organisations({ onDone, onCreate }: { onDone: () => void; onCreate: () => void }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.organisations());
  const change = useSwitch();
  return (
    <Box component="section" aria-label={t("organisations.title")}>
      <ProblemAlert error={error ?? change.error} />
      {data?.map(({ id, name, role, current }) => (
        <NavLink
          key={id}
          component="button"
          label={name}
          description={t(`role.${role}`)}
          leftSection={<IconBuilding size={18} stroke={1.7} aria-hidden />}
          rightSection={current && <IconCheck size={16} aria-hidden />}
          aria-current={current ? "true" : undefined}
          disabled={change.isPending}
          className="area-link"
          onClick={() => (current ? onDone() : change.mutate(id, { onSuccess: onDone }))}
        />
      ))}
      <NavLink
        component="button"
        label={t("organisations.create")}
        leftSection={<IconPlus size={18} stroke={1.7} aria-hidden />}
        className="area-link"
        onClick={() => {
          onDone();
          onCreate();
        }}
      />
    </Box>
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
