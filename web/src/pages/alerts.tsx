import { Anchor, Badge, Card, Group, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangleFilled, IconBell, IconCircleCheckFilled, IconCircleXFilled, IconInfoCircleFilled } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, body } from "../api/client";
import { queries } from "../api/queries";
import type { Alert } from "../api/types";
import { useAction } from "../api/use-action";
import { useActorName } from "../ui/actor";
import { Age } from "../ui/age";
import { ListSkeleton } from "../ui/data-table";
import { EmptyState } from "../ui/empty-state";
import { GuardedButton } from "../ui/guarded-button";
import { MoreButton } from "../ui/more-button";
import { PageHeader } from "../ui/page-header";
import { ProblemAlert } from "../ui/problem-alert";
import { paths } from "../util/paths";
import { useUrlState } from "../util/url-state";

const SHOWN = ["open", "all"] as const;

/** What is wrong now, and what was. */
export function AlertsPage() {
  const { t } = useTranslation();
  const [show, setShow] = useUrlState("show");
  const shown = SHOWN.find((known) => known === show) ?? "open";
  return (
    <>
      <PageHeader
        title={t("alerts.title")}
        lead={t("alerts.lead")}
        action={
          <SegmentedControl
            aria-label={t("alerts.show")}
            value={shown}
            onChange={(value) => setShow(value === "open" ? null : value)}
            data={SHOWN.map((value) => ({ value, label: t(`alerts.show_${value}`) }))}
          />
        }
      />
      {shown === "open" ? <OpenAlerts /> : <AllAlerts />}
    </>
  );
}

function OpenAlerts() {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useQuery(queries.openAlerts());
  if (isPending) return <ListSkeleton />;
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (data.length === 0) return <EmptyState Icon={IconBell} title={t("alerts.none_open")} text={t("alerts.none_open_text")} />;
  return <AlertList alerts={data} />;
}

function AllAlerts() {
  const { t } = useTranslation();
  const list = useInfiniteQuery(queries.alerts());
  if (list.isPending) return <ListSkeleton />;
  if (list.error) return <ProblemAlert error={list.error} retry={() => void list.refetch()} />;
  const alerts = list.data.pages.flatMap((page) => page.alerts);
  if (alerts.length === 0) return <EmptyState Icon={IconBell} title={t("alerts.none")} text={t("alerts.none_open_text")} />;
  return (
    <Stack>
      <AlertList alerts={alerts} />
      <MoreButton list={list} />
    </Stack>
  );
}

function AlertList({ alerts }: { alerts: readonly Alert[] }) {
  const { t } = useTranslation();
  return (
    <Stack component="ul" className="plain-list" aria-label={t("alerts.title")}>
      {alerts.map((alert) => (
        <Card key={alert.id} component="li" data-alert={alert.kind} data-state={stateOf(alert)}>
          <AlertRow alert={alert} />
        </Card>
      ))}
    </Stack>
  );
}

type State = "open" | "acknowledged" | "resolved";

function stateOf({ acknowledged_at, resolved_at }: Alert): State {
  if (resolved_at !== null) return "resolved";
  return acknowledged_at === null ? "open" : "acknowledged";
}

const ICONS = {
  critical: <IconCircleXFilled size={26} color="var(--bad)" aria-hidden />,
  warning: <IconAlertTriangleFilled size={26} color="var(--warn)" aria-hidden />,
  notice: <IconInfoCircleFilled size={26} color="var(--quiet)" aria-hidden />,
} satisfies Record<Alert["severity"], unknown>;
const OVER = <IconCircleCheckFilled size={26} color="var(--good)" aria-hidden />;

const COLORS = { critical: "red", warning: "yellow", notice: "gray" } satisfies Record<Alert["severity"], string>;

// The kinds whose subject is a line.
const OF_LINES: readonly Alert["kind"][] = ["line_broken", "call_failed", "repair_fight"];

function AlertRow({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const state = stateOf(alert);
  return (
    <Group wrap="nowrap" align="flex-start" gap="md">
      {state === "resolved" ? OVER : ICONS[alert.severity]}
      <Stack gap={6} flex={1} miw={0}>
        <Group justify="space-between" align="flex-start" gap="xs">
          <Title order={2} size="h5" flex="1 1 14rem">
            {alert.title}
          </Title>
          <Badge color={state === "resolved" ? "green" : COLORS[alert.severity]}>
            {state === "open" ? t(`alerts.severity_${alert.severity}`) : t(`alerts.state_${state}`)}
          </Badge>
        </Group>
        <Text size="sm">{alert.detail}</Text>
        <AlertTimes alert={alert} />
        <Group gap="md" mt={4}>
          {state === "open" && <Acknowledge id={alert.id} title={alert.title} />}
          {OF_LINES.includes(alert.kind) && (
            <Anchor component={Link} to={paths.line(alert.subject)} size="sm">
              {t("setup.open_line")}
            </Anchor>
          )}
          {alert.kind === "credential_refused" && (
            <Anchor component={Link} to={paths.settings()} size="sm">
              {t("alerts.open_settings")}
            </Anchor>
          )}
        </Group>
      </Stack>
    </Group>
  );
}

/** Since when, until when, and who knows of it. */
function AlertTimes({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const actorName = useActorName();
  const { opened_at, acknowledged_at, acknowledged_by, resolved_at } = alert;
  return (
    <Text size="xs" c="dimmed">
      {t("alerts.opened")} <Age time={opened_at} />
      {acknowledged_at !== null && acknowledged_by !== null && (
        <>
          {" · "}
          {t("alerts.acknowledged_by", { name: actorName(acknowledged_by) })} <Age time={acknowledged_at} />
        </>
      )}
      {resolved_at !== null && (
        <>
          {" · "}
          {t("alerts.resolved")} <Age time={resolved_at} />
        </>
      )}
    </Text>
  );
}

function Acknowledge({ id, title }: { id: string; title: string }) {
  const { t } = useTranslation();
  const acknowledge = useAction(() => body(api.POST("/api/v1/alerts/{id}/acknowledge", { params: { path: { id } } })), {
    stale: ["alerts"],
  });
  return (
    <>
      <ProblemAlert error={acknowledge.error} />
      <GuardedButton
        permission="lines.watch"
        size="xs"
        variant="default"
        loading={acknowledge.isPending}
        aria-label={`${t("alerts.acknowledge")}: ${title}`}
        onClick={() => acknowledge.mutate()}
      >
        {t("alerts.acknowledge")}
      </GuardedButton>
    </>
  );
}
