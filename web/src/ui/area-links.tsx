import { ActionIcon, Badge, Indicator, NavLink } from "@mantine/core";
import { IconBell, IconClipboardList, IconInbox, IconPhone, IconRobot, IconSettings } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";
import { queries } from "../api/queries";
import { useSession } from "../api/session";
import { paths } from "../util/paths";

const AREAS = [
  { key: "lines", to: paths.lines(), below: "/lines", Icon: IconPhone, permission: "lines.read" },
  { key: "assistants", to: paths.assistants(), below: "/assistants", Icon: IconRobot, permission: "assistants.read" },
  { key: "alerts", to: paths.alerts(), below: "/alerts", Icon: IconBell, permission: "lines.read" },
  { key: "tape", to: paths.tape(), below: "/tape", Icon: IconInbox, permission: "tape.read" },
  { key: "audit", to: paths.audit(), below: "/audit", Icon: IconClipboardList, permission: "audit.read" },
  { key: "settings", to: paths.settings(), below: "/settings", Icon: IconSettings, permission: "settings.read" },
] as const;

/** The areas of the interface that the member may see, with the number of alerts that are open. */
export function AreaLinks() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const { permissions } = useSession();
  return AREAS.filter(({ permission }) => permissions.includes(permission)).map(({ key, to, below, Icon }) => (
    <NavLink
      key={key}
      component={Link}
      to={to}
      label={t(`nav.${key}`)}
      leftSection={<Icon size={20} stroke={1.7} aria-hidden />}
      rightSection={key === "alerts" && <OpenCount />}
      active={pathname.startsWith(below)}
      aria-current={pathname.startsWith(below) ? "page" : undefined}
      className="area-link"
    />
  ));
}

function useOpenCount(): number {
  return useQuery(queries.openAlerts()).data?.length ?? 0;
}

function OpenCount() {
  const { t } = useTranslation();
  const count = useOpenCount();
  if (count === 0) return null;
  return (
    <Badge color="red" variant="filled" size="sm" circle={count < 10} data-open-alerts={count}>
      <span aria-hidden>{count}</span>
      <span className="visually-hidden">{t("alerts.count", { count })}</span>
    </Badge>
  );
}

/** The way to the alerts where the navigation is folded away. */
export function AlertBell() {
  const { t } = useTranslation();
  const count = useOpenCount();
  return (
    <Indicator disabled={count === 0} label={count} size={16} color="red" offset={4}>
      <ActionIcon
        component={Link}
        to={paths.alerts()}
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={count > 0 ? t("alerts.count", { count }) : t("nav.alerts")}
      >
        <IconBell size={22} stroke={1.7} />
      </ActionIcon>
    </Indicator>
  );
}
