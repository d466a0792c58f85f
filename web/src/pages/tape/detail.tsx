import { Alert, Code, Group, Modal, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { queries } from "../../api/queries";
import type { TapeEntry } from "../../api/types";
import { useAction } from "../../api/use-action";
import { useClock } from "../../ui/age";
import { Facts } from "../../ui/facts";
import { GuardedButton } from "../../ui/guarded-button";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";

/** One request: what it says of itself, why it was refused, and its text for whoever may read that. */
export function TapeDetail({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const { data, error, isPending } = useQuery(queries.taped(id));
  return (
    <Modal opened onClose={onClose} title={t("tape.one")} size="lg" closeButtonProps={{ "aria-label": t("action.close") }}>
      <ProblemAlert error={error} />
      {isPending && <Skeleton height={240} />}
      {data && (
        <Stack>
          <EntryFacts entry={data} />
          <Refusal entry={data} />
          <RequestText entry={data} />
        </Stack>
      )}
    </Modal>
  );
}

function EntryFacts({ entry }: { entry: TapeEntry }) {
  const { t } = useTranslation();
  const clock = useClock();
  const { received_at, provider, route, outcome, status, about, repeats, repeated_at } = entry;
  return (
    <Facts
      facts={[
        [t("tape.received"), clock(received_at)],
        [t("tape.provider"), provider === "vapi" ? "Vapi" : "Twilio"],
        [t("tape.what"), t(`tape.route_${route}`)],
        [t("tape.outcome"), `${t(`tape.outcome_${outcome}`)} (${status})`],
        ...Object.entries(about).map(([name, value]) => [name, value] as const),
        [t("tape.repeated"), repeated_at && `${clock(repeated_at)} ${t("tape.repeats", { count: repeats })}`],
      ]}
    />
  );
}

/** Why it was refused and what to do; when that is done, it can be tried again. */
function Refusal({ entry }: { entry: TapeEntry }) {
  const { t } = useTranslation();
  const replay = useAction(() => body(api.POST("/api/v1/tape/{id}/replay", { params: { path: { id: entry.id } } })), {
    stale: ["tape"],
    onDone: ({ entry }) => notify(entry.outcome === "accepted" ? t("tape.replay_accepted") : t("tape.replay_refused")),
  });
  if (!entry.refusal) return null;
  return (
    <Alert color="red" title={entry.refusal.summary} data-refusal={entry.refusal.code}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{entry.refusal.remedy}</Text>
        {entry.is_whole && (
          <GuardedButton permission="tape.open" size="xs" variant="default" loading={replay.isPending} onClick={() => replay.mutate()}>
            {t("tape.replay")}
          </GuardedButton>
        )}
        <ProblemAlert error={replay.error} />
      </Stack>
    </Alert>
  );
}

function RequestText({ entry }: { entry: TapeEntry }) {
  const { t } = useTranslation();
  const open = useAction(
    async () => (await body(api.POST("/api/v1/tape/{id}/open", { params: { path: { id: entry.id } } }))).entry,
    { stale: [] },
  );
  if (!open.data) {
    return (
      <Stack gap="xs">
        <Group>
          <GuardedButton permission="tape.open" size="xs" variant="default" loading={open.isPending} onClick={() => open.mutate()}>
            {t("tape.open")}
          </GuardedButton>
        </Group>
        <Text size="xs" c="dimmed">
          {t("tape.open_hint")}
        </Text>
        <ProblemAlert error={open.error} />
      </Stack>
    );
  }
  const { request } = open.data;
  if (request === null) return <Text size="sm">{t("tape.not_kept")}</Text>;
  const head = request.headers.map(({ name, value }) => `${name}: ${value}`);
  return (
    <Code block className="request-text" tabIndex={0} data-testid="request-text">
      {[request.target, ...head, "", request.body].join("\n")}
    </Code>
  );
}
