import { Alert, Button, Stack, Text } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type LocalCode, type ProblemError, problemOf } from "../api/problem";

const LOCAL: readonly string[] = [
  "no_answer",
  "no_answer_change",
  "bad_answer",
  "passkey_cancelled",
  "passkey_known",
] satisfies LocalCode[];

/** The one place where an error becomes words: what failed, what was not changed, what to do, and an id to quote. */
export function ProblemAlert({ error, title, retry }: { error: unknown; title?: string; retry?: () => void }) {
  const { t } = useTranslation();
  if (error == null) return null;
  const { problem, requestId, retryAt } = problemOf(error);
  const message = LOCAL.includes(problem.code) ? t(`problem.${problem.code as LocalCode}`) : problem.message;
  return (
    <Alert
      role="alert"
      color="red"
      icon={<IconAlertTriangle />}
      title={title ?? (problem.title || t("problem.title"))}
      data-code={problem.code}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{message}</Text>
        {retryAt !== null && <Wait key={retryAt} until={retryAt} />}
        <ProblemSource problem={problem} requestId={requestId} />
        {retry && (
          <Button size="xs" variant="light" color="red" onClick={retry}>
            {t("action.retry")}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** How long it takes until trying again is of use. */
function Wait({ until }: { until: number }) {
  const { t, i18n } = useTranslation();
  const [now, setNow] = useState(Date.now);
  useInterval(() => setNow(Date.now()), 1000, { autoInvoke: true });
  const seconds = Math.ceil((until - now) / 1000);
  const [amount, unit] = seconds < 120 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
  const time = new Intl.NumberFormat(i18n.language, { style: "unit", unit, unitDisplay: "long" }).format(amount);
  return (
    <Text size="sm" fw={600} role="timer" className="number">
      {seconds > 0 ? t("problem.wait", { time }) : t("problem.wait_over")}
    </Text>
  );
}

function ProblemSource({ problem, requestId }: Pick<ProblemError, "problem" | "requestId">) {
  const { t } = useTranslation();
  const { provider } = problem;
  if (!provider && !requestId) return null;
  return (
    <Text size="xs" className="code" c="dimmed">
      {provider &&
        t("problem.provider", {
          name: provider.name === "vapi" ? "Vapi" : "Twilio",
          status: provider.status ?? "",
          code: provider.code ?? "",
          message: provider.message ?? "",
        })}
      {provider && requestId && " · "}
      {requestId && t("problem.request", { id: requestId })}
    </Text>
  );
}
