import { Button } from "@mantine/core";
import { IconMapQuestion } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { EmptyState } from "../ui/empty-state";
import { paths } from "../util/paths";

export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <EmptyState
      Icon={IconMapQuestion}
      title={t("app.not_found_title")}
      text={t("app.not_found_text")}
      action={
        <Button component={Link} to={paths.lines()}>
          {t("app.go_home")}
        </Button>
      }
    />
  );
}
