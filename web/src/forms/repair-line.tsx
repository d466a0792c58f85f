import { Alert, Button, Group, Loader, Modal, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconArrowBackUp, IconCircleCheck } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { isOver, useFollowed, useRepair, useRunning } from "../api/operations";
import { queries } from "../api/queries";
import type { Line, Operation } from "../api/types";
import { ChangeList } from "../ui/change-list";
import { OperationProgress } from "../ui/operation-progress";
import { ProblemAlert } from "../ui/problem-alert";
import { UndoButton } from "../ui/undo-button";

/** Shows what a repair will change, applies it when told to, follows its steps, and offers to undo it. */
export function RepairLine({ line, onClose }: { line: Line; onClose: () => void }) {
  const { t } = useTranslation();
  const repair = useRepair(line.id);
  const running = useRunning(repair.isPending);
  const operation = useFollowed(repair.data?.operation) ?? running;
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("repair.title", { number: line.phone_number })}
      size="lg"
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      {repair.isPending || operation ? (
        <Applied line={line} operation={operation} onClose={onClose} />
      ) : (
        <Preview line={line.id} error={repair.error} onApply={() => repair.mutate()} onClose={onClose} />
      )}
    </Modal>
  );
}

type PreviewProps = { line: string; error: unknown; onApply: () => void; onClose: () => void };

function Preview({ line, error, onApply, onClose }: PreviewProps) {
  const { t } = useTranslation();
  const preview = useQuery({
    queryKey: ["repair-preview", line],
    queryFn: () => body(api.POST("/api/v1/lines/{line}/repair", { params: { path: { line } }, body: { dry_run: true } })),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  const doctor = preview.data && "doctor" in preview.data ? preview.data.doctor : undefined;
  const changes = doctor?.plan ?? [];
  return (
    <Stack>
      {preview.isPending && <Busy text={t("repair.previewing")} />}
      <ProblemAlert error={preview.error ?? error} />
      {doctor && changes.length > 0 && <Text size="sm">{t("repair.preview")}</Text>}
      {doctor && changes.length === 0 && <Text size="sm">{doctor.healthy ? t("repair.nothing") : t("repair.blocked")}</Text>}
      <ChangeList changes={changes} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t("action.cancel")}
        </Button>
        {changes.length > 0 && (
          <Button onClick={onApply}>{t("repair.apply", { count: changes.length })}</Button>
        )}
      </Group>
    </Stack>
  );
}

function Applied({ line, operation, onClose }: { line: Line; operation: Operation | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [undo, setUndo] = useState<Operation | null>(null);
  const over = operation !== null && isOver(operation);
  const undone = (operation: Operation) => {
    setUndo(operation);
    void client.invalidateQueries({ queryKey: queries.doctor(line.id).queryKey });
  };
  return (
    <Stack>
      {!over && <Busy text={t("repair.working")} />}
      {operation && <OperationProgress operation={operation} withFields />}
      {over && !undo && <Outcome line={line} operation={operation} />}
      {undo && (
        <Alert role="status" color="gray" icon={<IconArrowBackUp />} title={t("repair.undone")} data-undone>
          <OperationProgress operation={undo} />
        </Alert>
      )}
      <Group justify="space-between">
        <div>{over && !undo && <UndoButton operation={operation} onDone={undone} />}</div>
        <Button onClick={onClose}>{t("action.close")}</Button>
      </Group>
    </Stack>
  );
}

/** Whether the repair reached its aim is not the operation's word but that of a new look at the providers. */
function Outcome({ line, operation }: { line: Line; operation: Operation }) {
  const { t } = useTranslation();
  const { data: doctor } = useQuery(queries.doctor(line.id));
  if (operation.state !== "succeeded" || !doctor) return null;
  return doctor.healthy ? (
    <Alert role="status" color="green" icon={<IconCircleCheck />} title={t("repair.fixed")} data-repaired />
  ) : (
    <Alert role="status" color="yellow" icon={<IconAlertTriangle />} title={t("repair.partly")} />
  );
}

function Busy({ text }: { text: string }) {
  return (
    <Group role="status" gap="sm">
      <Loader size={18} aria-hidden />
      <Text size="sm">{text}</Text>
    </Group>
  );
}
