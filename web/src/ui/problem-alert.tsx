import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { type LocalCode, type ProblemError, problemOf } from "../api/problem";

const LOCAL: readonly string[] = ["no_answer", "no_answer_change", "bad_answer"] satisfies LocalCode[];

/** The one place where an error becomes words: what failed, what was not changed, what to do, and an id to quote. */
export function ProblemAlert({ error, title, retry }: { error: unknown; title?: string; retry?: () => void }) {
  const { t } = useTranslation();
  if (error == null) return null;
  const { problem, requestId } = problemOf(error);
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
