import { Badge, Card, Group, Stack, Text } from "@mantine/core";
import { IconHistory } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Operation } from "../../api/types";
import { Age } from "../../ui/age";
import { EmptyState } from "../../ui/empty-state";
import { OperationProgress, OperationState } from "../../ui/operation-progress";
import { UndoButton } from "../../ui/undo-button";

/** What was done to a line, newest first, each operation with its steps and, where possible, its undo. */
export function LineActivity({ operations }: { operations: readonly Operation[] }) {
  const { t } = useTranslation();
  if (operations.length === 0) {
    return <EmptyState Icon={IconHistory} title={t("operation.empty_title")} text={t("operation.empty_text")} />;
  }
  return (
    <Stack>
      {operations.map((operation) => (
        <Card key={operation.id} component="article">
          <Group justify="space-between" mb="sm">
            <Group gap="sm">
              <Text fw={600}>{t(`operation.kind_${operation.kind}`)}</Text>
              <OperationState operation={operation} />
              {operation.undone_by && <Badge color="gray">{t("operation.undone")}</Badge>}
            </Group>
            <Text size="sm" c="dimmed">
              <Age time={operation.created_at} />
            </Text>
          </Group>
          <Stack>
            <OperationProgress operation={operation} withFields />
            <UndoButton operation={operation} />
          </Stack>
        </Card>
      ))}
    </Stack>
  );
}
