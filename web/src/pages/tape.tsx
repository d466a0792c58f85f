import { Anchor, Badge, Group, Stack, Text } from "@mantine/core";
import { IconInbox } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { queries } from "../api/queries";
import type { TapeEntry, TapeFilter } from "../api/types";
import { Age } from "../ui/age";
import { type Column, DataTable, ListSkeleton } from "../ui/data-table";
import { EmptyState } from "../ui/empty-state";
import { MoreButton } from "../ui/more-button";
import { PageHeader } from "../ui/page-header";
import { ProblemAlert } from "../ui/problem-alert";
import { useUrlState } from "../util/url-state";
import { TapeDetail } from "./tape/detail";
import { TapeFields, useTapeFilter } from "./tape/filter";
import { TapeRetention } from "./tape/retention";

/** What Twilio and Vapi sent, also what was refused: why, and what to do. */
export function TapePage() {
  const { t } = useTranslation();
  const filter = useTapeFilter();
  const [shown, setShown] = useUrlState("entry");
  return (
    <>
      <PageHeader title={t("tape.title")} lead={t("tape.lead")} />
      <Stack>
        <TapeFields />
        <TapeList filter={filter} onShow={setShown} />
        <TapeRetention />
      </Stack>
      {shown !== null && <TapeDetail id={shown} onClose={() => setShown(null)} />}
    </>
  );
}

// What arrives is no event of its own: the list looks by itself.
const LOOK_MS = 10_000;

function TapeList({ filter, onShow }: { filter: TapeFilter; onShow: (id: string) => void }) {
  const { t } = useTranslation();
  const columns = useColumns(onShow);
  const list = useInfiniteQuery({ ...queries.tape(filter), refetchInterval: LOOK_MS });
  if (list.isPending) return <ListSkeleton rows={6} />;
  if (list.error) return <ProblemAlert error={list.error} retry={() => void list.refetch()} />;
  const entries = list.data.pages.flatMap((page) => page.entries);
  if (entries.length === 0 && !list.hasNextPage) {
    const narrowed = Object.keys(filter).length > 0;
    return (
      <EmptyState
        Icon={IconInbox}
        title={t("tape.empty_title")}
        text={narrowed ? t("audit.empty_text") : t("tape.empty_text")}
      />
    );
  }
  return (
    <>
      <DataTable label={t("tape.title")} columns={columns} rows={entries} rowKey={({ id }) => id} />
      <MoreButton list={list} />
    </>
  );
}

function useColumns(show: (id: string) => void): Column<TapeEntry>[] {
  const { t } = useTranslation();
  return [
    {
      key: "what",
      title: t("tape.what"),
      cell: ({ id, provider, route, about }) => (
        <div>
          <Anchor component="button" type="button" size="sm" fw={550} ta="start" onClick={() => show(id)}>
            {`${provider === "vapi" ? "Vapi" : "Twilio"} · ${t(`tape.route_${route}`)}`}
          </Anchor>
          <Text size="xs" c="dimmed" className="code">
            {Object.entries(about)
              .map(([name, value]) => `${name} ${value}`)
              .join(" · ")}
          </Text>
        </div>
      ),
    },
    { key: "outcome", title: t("tape.outcome"), cell: (entry) => <Outcome entry={entry} /> },
    {
      key: "received",
      title: t("tape.received"),
      cell: ({ received_at, repeats }) => (
        <Text size="sm">
          <Age time={received_at} />
          {repeats > 0 && ` ${t("tape.repeats", { count: repeats })}`}
        </Text>
      ),
    },
  ];
}

function Outcome({ entry: { outcome, refusal, status } }: { entry: TapeEntry }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4} maw={420}>
      <Group gap="xs">
        <Badge color={outcome === "accepted" ? "green" : "red"}>{t(`tape.outcome_${outcome}`)}</Badge>
        <Text className="code" c="dimmed">
          {status}
        </Text>
      </Group>
      {refusal && <Text size="sm">{refusal.summary}</Text>}
    </Stack>
  );
}
