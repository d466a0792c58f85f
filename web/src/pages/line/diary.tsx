import { Badge, Card, Group, Stack, Text, Title } from "@mantine/core";
import { IconNotebook } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { queries } from "../../api/queries";
import type { DiaryEntry, FieldDrift } from "../../api/types";
import { useActorName } from "../../ui/actor";
import { Age, useClock } from "../../ui/age";
import { FieldChanges } from "../../ui/change-list";
import { ListSkeleton } from "../../ui/data-table";
import { EmptyState } from "../../ui/empty-state";
import { HealthBadge } from "../../ui/health-pill";
import { MoreButton } from "../../ui/more-button";
import { ProblemAlert } from "../../ui/problem-alert";

/** What was found changed at the providers, newest first: which fields, between which two looks, and by whom. */
export function LineDiary({ line }: { line: string }) {
  const { t } = useTranslation();
  const list = useInfiniteQuery(queries.diary(line));
  if (list.isPending) return <ListSkeleton />;
  if (list.error) return <ProblemAlert error={list.error} retry={() => void list.refetch()} />;
  const entries = list.data.pages.flatMap((page) => page.entries);
  if (entries.length === 0) return <EmptyState Icon={IconNotebook} title={t("diary.empty_title")} text={t("diary.empty_text")} />;
  return (
    <Stack>
      {entries.map((entry) => (
        <Card key={entry.id} component="article" data-entry={entry.health}>
          <EntryCard entry={entry} />
        </Card>
      ))}
      <MoreButton list={list} />
    </Stack>
  );
}

function EntryCard({ entry }: { entry: DiaryEntry }) {
  const { t } = useTranslation();
  const actorName = useActorName();
  const { summary, changes, health } = entry;
  return (
    <>
      <Group justify="space-between" mb="xs" gap="xs">
        <Group gap="sm">
          <Title order={2} size="h5">
            {changes.length > 0 ? t("diary.changed_by", { name: actorName(entry.actor) }) : t("diary.found")}
          </Title>
          <HealthBadge health={health} />
        </Group>
        <Text size="sm" c="dimmed">
          <Age time={entry.seen_at} />
        </Text>
      </Group>
      <Text size="sm">{summary ?? t("diary.nothing_fails")}</Text>
      {(["twilio", "vapi"] as const).map((provider) => (
        <Drifts key={provider} provider={provider} drifts={changes.filter((change) => change.provider === provider)} />
      ))}
      <Between entry={entry} />
    </>
  );
}

function Drifts({ provider, drifts }: { provider: FieldDrift["provider"]; drifts: FieldDrift[] }) {
  if (drifts.length === 0) return null;
  return (
    <>
      <Badge color="gray" size="sm" mt="sm">
        {provider === "vapi" ? "Vapi" : "Twilio"}
      </Badge>
      <FieldChanges fields={drifts} />
    </>
  );
}

/** When it can have happened: what the provider says, and the two looks around it. */
function Between({ entry: { seen_before, seen_at, changed_at } }: { entry: DiaryEntry }) {
  const { t } = useTranslation();
  const clock = useClock();
  const looks = seen_before
    ? t("diary.between", { before: clock(seen_before), after: clock(seen_at) })
    : t("diary.first", { time: clock(seen_at) });
  return (
    <Text size="xs" c="dimmed" mt="sm">
      {looks}
      {changed_at && ` ${t("diary.changed_at", { time: clock(changed_at) })}`}
    </Text>
  );
}
