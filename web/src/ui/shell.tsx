import { AppShell, Badge, Box, Burger, Group, NavLink, Stack, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBook2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, Navigate, Outlet, useLocation } from "react-router";
import { useLiveEvents } from "../api/live";
import { queries } from "../api/queries";
import { hasFactor, useSession } from "../api/session";
import { useLanguage } from "../i18n";
import { paths } from "../util/paths";
import { AccountMenu } from "./account-menu";
import { useClock } from "./age";
import { AlertBell, AreaLinks } from "./area-links";
import { Banners } from "./banners";
import { Logo } from "./logo";
import "./shell.css";

/** The frame around every page of a signed-in member. */
export function Shell() {
  const { t } = useTranslation();
  const session = useSession();
  const { pathname } = useLocation();
  const [open, { toggle, close }] = useDisclosure();
  const factorMissing = useFactorMissing();
  useLanguage(session.member.language);
  useEffect(close, [pathname, close]);

  return (
    <AppShell
      header={{ height: { base: 56, sm: 0 } }}
      navbar={{ width: 248, breakpoint: "sm", collapsed: { mobile: !open } }}
      padding={{ base: "md", sm: "xl" }}
    >
      <a href="#content" className="skip-link">
        {t("app.skip")}
      </a>
      <AppShell.Header hiddenFrom="sm" px="md">
        <Group h="100%" justify="space-between">
          <Logo size={24} />
          <Group gap="sm">
            {session.sandbox && <SandboxBadge />}
            {!factorMissing && <AlertBell />}
            <Burger opened={open} onClick={toggle} size="sm" aria-label={open ? t("app.close_menu") : t("app.open_menu")} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="md" className="sidebar">
        <Group justify="space-between" wrap="nowrap" gap={4} ps="xs" pt={4} pb="lg" visibleFrom="sm">
          <Link to={paths.lines()} className="home-link">
            <Logo />
          </Link>
          {session.sandbox && <SandboxBadge />}
        </Group>
        <Stack component="nav" gap={4} flex={1} aria-label={t("app.nav")}>
          {!factorMissing && <AreaLinks />}
          <NavLink
            href={paths.apiDocs()}
            label={t("app.api_docs")}
            leftSection={<IconBook2 size={20} stroke={1.7} aria-hidden />}
            className="area-link"
            mt="auto"
          />
        </Stack>
        <AccountMenu session={session} />
      </AppShell.Navbar>
      <AppShell.Main>
        {!factorMissing && <ConnectionBar />}
        {!factorMissing && <Banners />}
        <Box id="content" tabIndex={-1} maw={1080} mx="auto" className="content">
          {factorMissing && pathname !== paths.account() ? <Navigate to={paths.account()} replace /> : <Outlet />}
        </Box>
      </AppShell.Main>
    </AppShell>
  );
}

/** Whether a refused request has shown that the organisation requires a second factor, and the member has none. */
function useFactorMissing(): boolean {
  const { data } = useQuery({ ...queries.factors(), enabled: false });
  return data !== undefined && data.required && !hasFactor(data);
}

function SandboxBadge() {
  const { t } = useTranslation();
  return (
    <Tooltip label={t("app.sandbox_hint")} multiline w={240} events={{ hover: true, focus: true, touch: true }}>
      <Badge color="yellow" size="sm" tabIndex={0} className="sandbox-badge">
        {t("app.sandbox")}
      </Badge>
    </Tooltip>
  );
}

function ConnectionBar() {
  const { t } = useTranslation();
  const clock = useClock();
  const lostSince = useLiveEvents();
  return (
    <div role="status" aria-live="polite">
      {lostSince && (
        <div className="connection-bar">
          {t("app.reconnecting", { time: clock(lostSince, { hour: "2-digit", minute: "2-digit" }) })}
        </div>
      )}
    </div>
  );
}
