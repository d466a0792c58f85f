import { Badge, Box, Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { queries } from "../../api/queries";
import type { OwnSession } from "../../api/types";
import { useAction } from "../../api/use-action";
import { Age } from "../../ui/age";
import { type Column, DataTable, ListSkeleton } from "../../ui/data-table";
import { notify } from "../../ui/notify";
import { ProblemAlert } from "../../ui/problem-alert";
import { deviceOf } from "../../util/device";

/** Where the person is signed in. */
export function SessionsSection() {
  const { t } = useTranslation();
  const { data, error, isPending, refetch } = useQuery(queries.sessions());
  const done = { stale: ["sessions"], onDone: () => notify(t("sessions.revoked")) };
  const revoke = useAction((id: string) => body(api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } })), done);
  const revokeOthers = useAction(() => body(api.DELETE("/api/v1/sessions")), done);
  const columns = useSessionColumns(revoke.mutate);
  return (
    <>
      <ProblemAlert error={revoke.error ?? revokeOthers.error} />
      {isPending && <ListSkeleton />}
      <ProblemAlert error={error} retry={() => void refetch()} />
      {data && <DataTable label={t("account.sessions")} columns={columns} rows={data} rowKey={({ id }) => id} />}
      {data && data.length > 1 && (
        <Group>
          <Button variant="default" loading={revokeOthers.isPending} onClick={() => revokeOthers.mutate(undefined)}>
            {t("sessions.revoke_others")}
          </Button>
        </Group>
      )}
    </>
  );
}

function useSessionColumns(revoke: (id: string) => void): Column<OwnSession>[] {
  const { t } = useTranslation();
  return [
    {
      key: "device",
      title: t("sessions.device"),
      cell: ({ user_agent, address, current }) => (
        <Box>
          <Group gap="xs">
            <Text fw={600} size="sm" title={user_agent}>
              {deviceOf(user_agent) || t("sessions.unknown")}
            </Text>
            {current && <Badge color="gray">{t("sessions.current")}</Badge>}
          </Group>
          <Text className="code" c="dimmed">
            {address}
          </Text>
        </Box>
      ),
    },
    { key: "organisation", title: t("settings.organisation"), cell: ({ organisation }) => <Text size="sm">{organisation}</Text> },
    {
      key: "seen",
      title: t("sessions.last_seen"),
      cell: ({ last_seen_at }) => (
        <Text size="sm">
          <Age time={last_seen_at} />
        </Text>
      ),
    },
    {
      key: "revoke",
      title: t("sessions.revoke"),
      hideTitle: true,
      cell: ({ id, current, user_agent }) =>
        !current && (
          <Button
            size="xs"
            variant="default"
            aria-label={`${t("sessions.revoke")}: ${deviceOf(user_agent) || t("sessions.unknown")}`}
            onClick={() => revoke(id)}
          >
            {t("sessions.revoke")}
          </Button>
        ),
    },
  ];
}
