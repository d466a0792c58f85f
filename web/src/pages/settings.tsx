import { Stack, Tabs } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { PageHeader } from "../ui/page-header";
import { SetupCard } from "../ui/setup-card";
import { SETTINGS_SECTIONS, type SettingsSection, paths } from "../util/paths";
import { NotFoundPage } from "./not-found";
import { MembersSection } from "./settings/members";
import { OrganisationSection } from "./settings/organisation";
import { TokensSection } from "./settings/tokens";
import { TwilioSection } from "./settings/twilio";
import { VapiSection } from "./settings/vapi";
import { WatchSection } from "./settings/watch";

const SECTIONS = {
  twilio: TwilioSection,
  vapi: VapiSection,
  organisation: OrganisationSection,
  watch: WatchSection,
  members: MembersSection,
  tokens: TokensSection,
} satisfies Record<SettingsSection, unknown>;

// The two that decide whether a number can answer.
const CONNECTIONS: readonly SettingsSection[] = ["twilio", "vapi"];

export function SettingsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { section } = useParams();
  const shown = SETTINGS_SECTIONS.find((known) => known === section);
  const tab = useRef<HTMLButtonElement>(null);
  // On a phone the tabs scroll sideways: the chosen one is brought into sight.
  useEffect(() => {
    tab.current?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [shown]);
  if (shown === undefined) return <NotFoundPage />;
  const Section = SECTIONS[shown];
  return (
    <>
      <PageHeader title={t("settings.title")} />
      <Tabs value={shown} onChange={(value) => void navigate(paths.settings(value as SettingsSection))}>
        <Tabs.List mb="lg" aria-label={t("settings.sections")}>
          {SETTINGS_SECTIONS.map((value) => (
            <Tabs.Tab key={value} value={value} ref={value === shown ? tab : undefined}>
              {t(`settings.${value}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={shown}>
          <Stack gap="lg">
            {CONNECTIONS.includes(shown) && <SetupCard />}
            <Section />
          </Stack>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
