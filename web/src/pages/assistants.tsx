import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { IconPlus, IconRobot } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { problemOf } from "../api/problem";
import { queries } from "../api/queries";
import { useSession } from "../api/session";
import type { Assistant } from "../api/types";
import { CreateAssistant } from "../forms/create-assistant";
import { Age } from "../ui/age";
import { type Column, DataTable, ListSkeleton } from "../ui/data-table";
import { EmptyState } from "../ui/empty-state";
import { GuardedButton } from "../ui/guarded-button";
import { PageHeader } from "../ui/page-header";
import { ProblemAlert } from "../ui/problem-alert";
import { SetupCard } from "../ui/setup-card";
import { paths } from "../util/paths";
import { useUrlState } from "../util/url-state";

export function AssistantsPage() {
  const { t } = useTranslation();
  const [creating, setCreating] = useUrlState("new");
  return (
    <>
      <PageHeader
        title={t("assistants.title")}
        lead={t("assistants.lead")}
        action={
          <GuardedButton permission="assistants.change" leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setCreating("")}>
            {t("assistants.create")}
          </GuardedButton>
        }
      />
      <Stack gap="lg">
        <SetupCard />
        <AssistantList onCreate={() => setCreating("")} />
      </Stack>
      {creating !== null && <CreateAssistant onClose={() => setCreating(null)} />}
    </>
  );
}

function AssistantList({ onCreate }: { onCreate: () => void }) {
  const { t } = useTranslation();
  const columns = useAssistantColumns();
  const { data, error, isPending, refetch } = useQuery(queries.assistants());
  if (isPending) return <ListSkeleton />;
  if (error && problemOf(error).problem.code === "vapi_key_missing") {
    return (
      <EmptyState
        Icon={IconRobot}
        title={t("assistants.empty_title")}
        text={t("assistants.no_key")}
        action={
          <Button component={Link} to={paths.settings("vapi")} variant="light">
            {t("setup.go_vapi_key")}
          </Button>
        }
      />
    );
  }
  if (error) return <ProblemAlert error={error} retry={() => void refetch()} />;
  if (data.length === 0) {
    return (
      <EmptyState
        Icon={IconRobot}
        title={t("assistants.empty_title")}
        text={t("assistants.empty_text")}
        action={
          <GuardedButton permission="assistants.change" variant="light" onClick={onCreate}>
            {t("assistants.create")}
          </GuardedButton>
        }
      />
    );
  }
  return <DataTable label={t("assistants.title")} columns={columns} rows={data} rowKey={({ id }) => id} />;
}

function useAssistantColumns(): Column<Assistant>[] {
  const { t } = useTranslation();
  const { organisation } = useSession();
  return [
    {
      key: "name",
      title: t("assistants.name"),
      cell: ({ id, name }) => (
        <Group gap="xs">
          <Text fw={600}>{name}</Text>
          {id === organisation.default_assistant_id && <Badge color="brand">{t("assistants.default")}</Badge>}
        </Group>
      ),
    },
    {
      key: "first_message",
      title: t("assistants.first_message"),
      cell: ({ first_message }) => (
        <Text size="sm" c="dimmed" lineClamp={2} maw={440}>
          {first_message}
        </Text>
      ),
    },
    {
      key: "created",
      title: t("assistants.created_at"),
      cell: ({ created_at }) => (
        <Text size="sm" c="dimmed">
          {created_at && <Age time={created_at} />}
        </Text>
      ),
    },
  ];
}
