import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { IconClipboardList, IconDownload } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { queries } from "../api/queries";
import type { AuditEntry, AuditFilter } from "../api/types";
import { useAction } from "../api/use-action";
import { useActorName } from "../ui/actor";
import { useClock } from "../ui/age";
import { type Column, DataTable, ListSkeleton } from "../ui/data-table";
import { EmptyState } from "../ui/empty-state";
import { MoreButton } from "../ui/more-button";
import { PageHeader } from "../ui/page-header";
import { ProblemAlert } from "../ui/problem-alert";
import { saveFile } from "../util/save-file";
import { useUrlState } from "../util/url-state";
import { AuditDetail } from "./audit/detail";
import { AuditFields, useAuditFilter } from "./audit/filter";
import { AuditVerification } from "./audit/verification";

/** Everything that was changed, by whom and from where. */
export function AuditPage() {
  const { t } = useTranslation();
  const filter = useAuditFilter();
  return (
    <>
      <PageHeader title={t("audit.title")} lead={t("audit.lead")} />
      <Stack>
        <AuditVerification />
        <AuditFields />
        <ExportButtons filter={filter} />
        <Trail filter={filter} />
      </Stack>
    </>
  );
}

const FORMATS = ["csv", "jsonl"] as const;

function ExportButtons({ filter }: { filter: AuditFilter }) {
  const { t } = useTranslation();
  const save = useAction(
    (format: (typeof FORMATS)[number]) =>
      body(api.POST("/api/v1/audit/export", { body: { ...filter, format }, parseAs: "blob" })),
    { stale: ["audit"], onDone: (file, format) => saveFile(`dialtone-audit-${new Date().toISOString().slice(0, 10)}.${format}`, file) },
  );
  return (
    <>
      <Group gap="sm">
        {FORMATS.map((format) => (
          <Button
            key={format}
            variant="default"
            size="xs"
            leftSection={<IconDownload size={16} aria-hidden />}
            loading={save.isPending && save.variables === format}
            onClick={() => save.mutate(format)}
          >
            {t(`audit.export_${format}`)}
          </Button>
        ))}
      </Group>
      <ProblemAlert error={save.error} />
    </>
  );
}

function Trail({ filter }: { filter: AuditFilter }) {
  const { t } = useTranslation();
  const [shown, setShown] = useUrlState("entry");
  const columns = useColumns(setShown);
  const list = useInfiniteQuery(queries.audit(filter));
  if (list.isPending) return <ListSkeleton rows={8} />;
  if (list.error) return <ProblemAlert error={list.error} retry={() => void list.refetch()} />;
  const entries = list.data.pages.flatMap((page) => page.entries);
  const entry = entries.find(({ seq }) => String(seq) === shown);
  return (
    <>
      {entries.length > 0 && <DataTable label={t("audit.title")} columns={columns} rows={entries} rowKey={({ seq }) => String(seq)} />}
      {entries.length === 0 && !list.hasNextPage && (
        <EmptyState Icon={IconClipboardList} title={t("audit.empty_title")} text={t("audit.empty_text")} />
      )}
      <MoreButton list={list} />
      {entry && <AuditDetail entry={entry} onClose={() => setShown(null)} />}
    </>
  );
}

function useColumns(show: (seq: string) => void): Column<AuditEntry>[] {
  const { t } = useTranslation();
  const clock = useClock();
  const actorName = useActorName();
  return [
    {
      key: "what",
      title: t("audit.what"),
      cell: ({ seq, summary, kind }) => (
        <div>
          <Anchor component="button" type="button" size="sm" fw={550} ta="start" onClick={() => show(String(seq))}>
            {summary}
          </Anchor>
          <Text className="code" c="dimmed">
            {kind}
          </Text>
        </div>
      ),
    },
    { key: "actor", title: t("audit.actor"), cell: ({ actor }) => <Text size="sm">{actorName(actor)}</Text> },
    { key: "address", title: t("audit.address"), cell: ({ address }) => <Text className="code">{address ?? "–"}</Text> },
    {
      key: "time",
      title: t("audit.time"),
      cell: ({ at }) => (
        <Text size="sm" className="number">
          {clock(at)}
        </Text>
      ),
    },
  ];
}
