import { Anchor, Box, Button, Stack, Text, Title } from "@mantine/core";
import { IconPhonePlus, IconPlus } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAssistantNames } from "../api/assistants";
import { queries } from "../api/queries";
import { useCan } from "../api/session";
import type { Line, VapiNumber } from "../api/types";
import { ImportLine } from "../forms/import-line";
import { type Column, DataTable, ListSkeleton } from "../ui/data-table";
import { EmptyState } from "../ui/empty-state";
import { GuardedButton } from "../ui/guarded-button";
import { HealthPill } from "../ui/health-pill";
import { PageHeader } from "../ui/page-header";
import { ProblemAlert } from "../ui/problem-alert";
import { SetupCard } from "../ui/setup-card";
import { countryName } from "../util/countries";
import { paths } from "../util/paths";
import { useUrlState } from "../util/url-state";

export function LinesPage() {
  const { t } = useTranslation();
  const [importing, setImporting] = useUrlState("import");
  return (
    <>
      <PageHeader
        title={t("lines.title")}
        lead={t("lines.lead")}
        action={
          <GuardedButton permission="lines.change" leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setImporting("")}>
            {t("lines.import")}
          </GuardedButton>
        }
      />
      <Stack gap="lg">
        <SetupCard quietWhenReady />
        <LineList onImport={() => setImporting("")} />
        <NumbersElsewhere onAdopt={setImporting} />
      </Stack>
      {importing !== null && <ImportLine number={importing} onClose={() => setImporting(null)} />}
    </>
  );
}

function LineList({ onImport }: { onImport: () => void }) {
  const { t } = useTranslation();
  const columns = useLineColumns();
  const mayImport = useCan("lines.change");
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(queries.lines());
  if (isPending) return <ListSkeleton />;
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  const lines = data.pages.flatMap((page) => page.lines);
  if (lines.length === 0) {
    return (
      <EmptyState
        Icon={IconPhonePlus}
        title={t("lines.empty_title")}
        text={mayImport ? t("lines.empty_text") : t("lines.empty_ask")}
        action={
          mayImport && (
            <Button variant="light" onClick={onImport}>
              {t("lines.import")}
            </Button>
          )
        }
      />
    );
  }
  return (
    <Stack gap="sm">
      <DataTable label={t("lines.title")} columns={columns} rows={lines} rowKey={({ id }) => id} />
      {hasNextPage && (
        <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t("action.more")}
        </Button>
      )}
    </Stack>
  );
}

function useLineColumns(): Column<Line>[] {
  const { t, i18n } = useTranslation();
  const names = useAssistantNames();
  return [
    {
      key: "number",
      title: t("lines.number"),
      cell: (line) => (
        <Box>
          <Anchor component={Link} to={paths.line(line.id)} fw={600} className="number">
            {line.phone_number}
          </Anchor>
          {line.country && (
            <Text size="xs" c="dimmed">
              {countryName(line.country, i18n.language)}
            </Text>
          )}
        </Box>
      ),
    },
    { key: "name", title: t("lines.name"), cell: (line) => <Text size="sm">{line.friendly_name}</Text> },
    {
      key: "assistant",
      title: t("lines.assistant"),
      cell: (line) =>
        line.assistant_id ? (
          <Text size="sm">{line.assistant_name ?? names.get(line.assistant_id) ?? line.assistant_id}</Text>
        ) : (
          <Text size="sm" c="dimmed">
            {t("lines.no_assistant")}
          </Text>
        ),
    },
    { key: "health", title: t("lines.health"), cell: (line) => <HealthPill line={line} /> },
  ];
}

/** Numbers that are in Vapi but not looked after here. Without a working key there is nothing to show. */
function NumbersElsewhere({ onAdopt }: { onAdopt: (number: string) => void }) {
  const { t } = useTranslation();
  const lines = useInfiniteQuery(queries.lines());
  const vapi = useQuery(queries.vapiNumbers());
  const ours = new Set(lines.data?.pages.flatMap((page) => page.lines.map((line) => line.phone_number)));
  const others = (vapi.data ?? []).filter(({ provider, number }) => provider === "twilio" && number && !ours.has(number));
  if (!lines.data || others.length === 0) return null;
  const columns: Column<VapiNumber>[] = [
    { key: "number", title: t("lines.number"), cell: ({ number }) => <Text className="number">{number}</Text> },
    { key: "name", title: t("lines.name"), cell: ({ name }) => <Text size="sm">{name}</Text> },
    {
      key: "adopt",
      title: t("lines.adopt"),
      hideTitle: true,
      cell: ({ number }) => (
        <GuardedButton permission="lines.change" size="xs" variant="default" onClick={() => onAdopt(number ?? "")}>
          {t("lines.adopt")}
        </GuardedButton>
      ),
    },
  ];
  return (
    <section>
      <Title order={2} size="h4">
        {t("lines.elsewhere")}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {t("lines.elsewhere_hint")}
      </Text>
      <DataTable label={t("lines.elsewhere")} columns={columns} rows={others} rowKey={({ id }) => id} />
    </section>
  );
}
