import { Alert, Button, Card, Group, Loader, Progress, Stack, Text, Title } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { isOver } from "../api/operations";
import { queries } from "../api/queries";
import { useCan } from "../api/session";
import type { Operation, Setup } from "../api/types";
import { paths } from "../util/paths";
import { OperationProgress } from "./operation-progress";
import "./setup-card.css";

// Where each missing thing is added.
const PLACES = {
  twilio_credentials: paths.settings("twilio"),
  phone_number: paths.settings("twilio"),
  vapi_key: paths.settings("vapi"),
  assistant: paths.newAssistant(),
} satisfies Record<Setup["missing"][number]["code"], string>;
const PREREQUISITES = Object.keys(PLACES).length;

/** What is still missing before the number answers, in order, each with the action that adds it (A5). */
export function SetupCard({ quietWhenReady = false }: { quietWhenReady?: boolean }) {
  const { data: setup } = useQuery(queries.setup());
  if (!setup) return null;
  if (!setup.ready) return <MissingCard setup={setup} />;
  const { operation, line } = setup;
  if (operation && !(isOver(operation) && operation.state === "succeeded")) return <OperationCard operation={operation} />;
  if (quietWhenReady || !line || !isRecent(operation?.finished_at)) return null;
  return <ReadyCard number={line.phone_number} lineId={line.id} />;
}

// Good news stays good news for this long.
const RECENT_MS = 5 * 60_000;

const isRecent = (time: string | null | undefined): boolean => time != null && Date.now() - Date.parse(time) < RECENT_MS;

function MissingCard({ setup }: { setup: Setup }) {
  const { t } = useTranslation();
  const mayAct = useCan("settings.change");
  const done = PREREQUISITES - setup.missing.length;
  return (
    <Card component="section" aria-labelledby="setup-title" className="setup-card" data-setup="missing">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4" id="setup-title">
          {t("setup.title")}
        </Title>
        <Text size="sm" c="dimmed">
          {t("setup.progress", { done, total: PREREQUISITES })}
        </Text>
      </Group>
      <Progress value={(100 * done) / PREREQUISITES} size="sm" aria-label={t("setup.progress", { done, total: PREREQUISITES })} />
      <ol className="setup-steps">
        {setup.missing.map(({ code, message }, index) => (
          <li key={code} data-missing={code}>
            <span className="setup-number" aria-hidden>
              {index + 1}
            </span>
            <Text fw={550} flex={1}>
              {message}
            </Text>
            {mayAct && (
              <Button component={Link} to={PLACES[code]} size="xs" variant={index === 0 ? "filled" : "default"}>
                {t(`setup.go_${code}`)}
              </Button>
            )}
          </li>
        ))}
      </ol>
      <Text size="sm" c="dimmed">
        {t("setup.then_ready")}
      </Text>
    </Card>
  );
}

function OperationCard({ operation }: { operation: Operation }) {
  const { t } = useTranslation();
  const number = operation.phone_number;
  const running = !isOver(operation);
  return (
    <Card component="section" aria-labelledby="setup-title" className="setup-card" data-setup={operation.state}>
      <Stack gap="sm">
        <Group gap="sm">
          {running && <Loader size={18} aria-hidden />}
          <Title order={2} size="h4" id="setup-title">
            {running ? t("setup.running_title", { number }) : t("setup.failed_title", { number })}
          </Title>
        </Group>
        {running && (
          <Text size="sm" c="dimmed">
            {t("setup.running_text")}
          </Text>
        )}
        <OperationProgress operation={operation} />
        {!running && (
          <Group>
            <Button component={Link} to={paths.importLine(number)} variant="default">
              {t("action.retry")}
            </Button>
          </Group>
        )}
      </Stack>
    </Card>
  );
}

function ReadyCard({ number, lineId }: { number: string; lineId: string }) {
  const { t } = useTranslation();
  return (
    <Alert role="status" color="green" icon={<IconCircleCheck />} title={t("setup.ready_title", { number })} data-setup="ready">
      <Group justify="space-between">
        <Text size="sm">{t("setup.ready_text")}</Text>
        <Button component={Link} to={paths.line(lineId)} size="xs" variant="default">
          {t("setup.open_line")}
        </Button>
      </Group>
    </Alert>
  );
}
