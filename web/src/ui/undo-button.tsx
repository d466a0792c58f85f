import { Stack } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useUndo } from "../api/operations";
import type { Operation } from "../api/types";
import { GuardedButton } from "./guarded-button";
import { ProblemAlert } from "./problem-alert";

/** Puts back what an operation changed, as far as it can be put back. */
export function UndoButton({ operation, onDone }: { operation: Operation; onDone?: (undo: Operation) => void }) {
  const { t } = useTranslation();
  const undo = useUndo(onDone);
  if (!operation.can_undo && !undo.isPending && !undo.error) return null;
  return (
    <Stack gap="xs" align="flex-start">
      <GuardedButton
        permission="lines.change"
        variant="default"
        size="xs"
        leftSection={<IconArrowBackUp size={16} aria-hidden />}
        loading={undo.isPending}
        onClick={() => undo.mutate(operation.id)}
      >
        {t("repair.undo")}
      </GuardedButton>
      <ProblemAlert error={undo.error} />
    </Stack>
  );
}
