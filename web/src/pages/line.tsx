import { Anchor, Button, Card, Group, Loader, Skeleton, Stack, Tabs, Text, Title } from "@mantine/core";
import { IconArrowLeft, IconCircleCheckFilled, IconCircleDashed, IconCircleXFilled, IconRefresh } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { useAssistantNames } from "../api/assistants";
import { queries } from "../api/queries";
import type { Check, Line } from "../api/types";
import { RepairLine } from "../forms/repair-line";
import { useAge } from "../ui/age";
import { Checklist } from "../ui/checklist";
import { HealthPill } from "../ui/health-pill";
import { PageHeader } from "../ui/page-header";
import { ProblemAlert } from "../ui/problem-alert";
import { LINE_TABS, type LineTab, paths } from "../util/paths";
import { useUrlState } from "../util/url-state";
import { LineActivity } from "./line/activity";
import { LineDiary } from "./line/diary";
import { LineSettings } from "./line/settings";

export function LinePage() {
  const { t } = useTranslation();
  const { line: id = "" } = useParams();
  const { data, error, isPending, refetch } = useQuery(queries.line(id));
  const [tab, setTab] = useUrlState("tab");
  const [fixing, setFixing] = useUrlState("fix");
  const shown = LINE_TABS.find((known) => known === tab) ?? "health";
  return (
    <>
      <Anchor component={Link} to={paths.lines()} size="sm" mb="xs" display="inline-flex" className="back-link">
        <IconArrowLeft size={16} aria-hidden /> {t("line.back")}
      </Anchor>
      <ProblemAlert error={error} retry={() => void refetch()} />
      {isPending && <Skeleton height={320} radius="lg" />}
      {data && (
        <>
          <LineHeader line={data.line} />
          <Tabs value={shown} onChange={(value) => setTab(value === "health" ? null : value)} keepMounted={false}>
            <Tabs.List mb="lg" aria-label={t("line.tabs")}>
              {LINE_TABS.map((value: LineTab) => (
                <Tabs.Tab key={value} value={value}>
                  {t(`line.tab_${value}`)}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value="health">
              <LineHealth line={data.line} known={data.checks} onRepair={() => setFixing("")} />
            </Tabs.Panel>
            <Tabs.Panel value="settings">
              <LineSettings line={data.line} />
            </Tabs.Panel>
            <Tabs.Panel value="activity">
              <LineActivity operations={data.operations} />
            </Tabs.Panel>
            <Tabs.Panel value="diary">
              <LineDiary line={data.line.id} />
            </Tabs.Panel>
          </Tabs>
          {fixing !== null && <RepairLine line={data.line} onClose={() => setFixing(null)} />}
        </>
      )}
    </>
  );
}

function LineHeader({ line }: { line: Line }) {
  const { phone_number: number, friendly_name: name } = line;
  // Until someone names a line, its name is its number, written for people to read.
  const unnamed = name.replace(/[^+\d]/g, "") === number;
  return (
    <PageHeader
      title={unnamed ? name : number}
      numeric
      lead={
        <Group gap="md">
          {!unnamed && <span>{name}</span>}
          <HealthPill line={line} withAge={false} />
        </Group>
      }
    />
  );
}

/** The last known checks at once, and a new look at the providers while they are read. */
function LineHealth({ line, known, onRepair }: { line: Line; known: readonly Check[]; onRepair: () => void }) {
  const { t } = useTranslation();
  const age = useAge();
  const doctor = useQuery(queries.doctor(line.id));
  const checks = doctor.data?.checks ?? known;
  return (
    <Stack>
      <Card aria-busy={doctor.isFetching || undefined}>
        <Group justify="space-between" align="flex-start" mb="md">
          <Verdict line={line} healthy={doctor.data?.healthy ?? (known.length > 0 ? known.every(isOk) : null)} />
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            loading={doctor.isFetching}
            onClick={() => void doctor.refetch()}
            flex="none"
          >
            {t("line.check_now")}
          </Button>
        </Group>
        <ProblemAlert error={doctor.error} />
        {checks.length > 0 && <Checklist checks={checks} onRepair={onRepair} />}
        {checks.length === 0 && doctor.isFetching && <Skeleton height={280} />}
      </Card>
      <Group gap="xs" role="status" mih={24}>
        {doctor.isFetching && <Loader size={14} aria-hidden />}
        <Text size="xs" c="dimmed">
          {doctor.isFetching && t("line.checking")}
          {!doctor.isFetching && doctor.data && t("line.observed", { age: age(doctor.data.observed_at) })}
        </Text>
      </Group>
    </Stack>
  );
}

const isOk = ({ status }: Check): boolean => status === "ok";

function Verdict({ line, healthy }: { line: Line; healthy: boolean | null }) {
  const { t } = useTranslation();
  const names = useAssistantNames();
  const number = line.phone_number;
  const assistant = line.assistant_name ?? names.get(line.assistant_id ?? "");
  const [icon, title, text] =
    healthy === null
      ? [<IconCircleDashed size={36} color="var(--quiet)" aria-hidden key="i" />, t("line.unknown_title"), t("line.unknown_text")]
      : healthy
        ? [
            <IconCircleCheckFilled size={36} color="var(--good)" aria-hidden key="i" />,
            t("line.all_green"),
            assistant
              ? t("line.all_green_named", { number, assistant })
              : t("line.all_green_text", { number }),
          ]
        : [<IconCircleXFilled size={36} color="var(--bad)" aria-hidden key="i" />, t("line.found_one"), t("line.found_text")];
  return (
    <Group flex="1 1 280px" wrap="nowrap" align="flex-start" gap="md" role="status" data-healthy={String(healthy)}>
      {icon}
      <div>
        <Title order={2} size="h4">
          {title}
        </Title>
        <Text size="sm" c="dimmed">
          {text}
        </Text>
      </div>
    </Group>
  );
}
