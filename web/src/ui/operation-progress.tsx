import { Badge, Box, Group, Loader, Stack, Text } from "@mantine/core";
import { IconCheck, IconHelp, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { isOver } from "../api/operations";
import type { Operation, Step } from "../api/types";
import { ChangeSummary, FieldChanges } from "./change-list";

const STATES = {
  pending: "gray",
  running: "blue",
  succeeded: "green",
  failed: "red",
  unclear: "yellow",
} satisfies Record<Operation["state"], string>;

export function OperationState({ operation }: { operation: Operation }) {
  const { t } = useTranslation();
  return <Badge color={STATES[operation.state]}>{t(`operation.state_${operation.state}`)}</Badge>;
}

/** The steps of an operation, each with what it changed; it follows along while the operation runs. */
export function OperationProgress({ operation, withFields = false }: { operation: Operation; withFields?: boolean }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" data-operation={operation.state}>
      <Stack component="ol" gap="sm" className="plain-list" role="list" aria-live="polite" aria-label={t("operation.steps")}>
        {operation.steps.map((step) => (
          <li key={step.seq}>
            <StepRow step={step} withFields={withFields} />
          </li>
        ))}
      </Stack>
      {operation.steps.length === 0 && isOver(operation) && !operation.problem && (
        <Text size="sm" c="dimmed">
          {t("operation.no_steps")}
        </Text>
      )}
      {operation.problem && (
        <Text size="sm" role="alert" className="problem-text">
          {operation.problem.message}
        </Text>
      )}
    </Stack>
  );
}

const STEP_ICONS = {
  started: <Loader size={16} aria-hidden />,
  done: <IconCheck size={18} color="var(--good)" aria-hidden />,
  failed: <IconX size={18} color="var(--bad)" aria-hidden />,
  unclear: <IconHelp size={18} color="var(--quiet)" aria-hidden />,
} satisfies Record<Step["state"], unknown>;

function StepRow({ step, withFields }: { step: Step; withFields: boolean }) {
  const { t } = useTranslation();
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start">
      <Box pt={3}>{STEP_ICONS[step.state]}</Box>
      <Box flex={1} miw={0}>
        <span className="visually-hidden">{t(`operation.step_${step.state}`)}: </span>
        <ChangeSummary change={step.change} />
        {withFields && <FieldChanges fields={step.change.fields} />}
        {step.problem && (
          <Text size="sm" mt={4} className="problem-text">
            {step.problem.message}
          </Text>
        )}
      </Box>
    </Group>
  );
}
