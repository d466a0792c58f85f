import { Button, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";

type Paged = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };

/** Below a list that comes in pages: the next one. */
export function MoreButton({ list }: { list: Paged }) {
  const { t } = useTranslation();
  if (!list.hasNextPage) return null;
  return (
    <Group>
      <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {t("action.more")}
      </Button>
    </Group>
  );
}
