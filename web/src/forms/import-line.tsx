import { Alert, Button, Group, Loader, Modal, Skeleton, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFollowed, useImport, useRunning } from "../api/operations";
import { fieldErrors } from "../api/problem";
import { queries } from "../api/queries";
import type { Operation } from "../api/types";
import { ChangeList } from "../ui/change-list";
import { OperationProgress } from "../ui/operation-progress";
import { ProblemAlert } from "../ui/problem-alert";
import { paths } from "../util/paths";
import { ImportFields, type ImportValues, type SavedAccount } from "./import-fields";

/** Imports a number: what to import, if wanted a look at what will change, then the import with its steps live. */
export function ImportLine({ number, onClose }: { number: string; onClose: () => void }) {
  const { t } = useTranslation();
  const { data: twilio, isPending } = useQuery(queries.twilioSettings());
  const saved = twilio?.has_twilio_credentials
    ? { name: twilio.account?.friendly_name ?? "Twilio", sid: twilio.account_sid_preview ?? "" }
    : null;
  return (
    <Modal opened onClose={onClose} title={t("import.title")} size="lg" closeButtonProps={{ "aria-label": t("action.close") }}>
      {isPending ? (
        <Skeleton height={240} />
      ) : (
        <ImportSteps number={number || (twilio?.phone_number ?? "")} saved={saved} onClose={onClose} />
      )}
    </Modal>
  );
}

function ImportSteps({ number, saved, onClose }: { number: string; saved: SavedAccount; onClose: () => void }) {
  const { t } = useTranslation();
  const [reviewing, setReviewing] = useState(false);
  const form = useForm<ImportValues>({
    initialValues: {
      phone_number: number,
      account: saved ? "saved" : "other",
      twilio_account_sid: "",
      twilio_auth_token: "",
      assistant_id: null,
    },
  });
  const { phone_number } = form.values;
  const importing = useImport();
  const answer = importing.data;
  const running = useRunning(importing.isPending);
  const followed = useFollowed(answer && "operation" in answer ? answer.operation : null);

  const start = () =>
    importing.mutate(inputOf(form.values), {
      onError: (error) => {
        setReviewing(false);
        form.setErrors(fieldErrors(error));
      },
    });

  if (answer && "phone" in answer) {
    return <Imported number={answer.phone.phone_number} lineId={answer.phone.line_id} message={answer.message} />;
  }
  if (followed?.state === "succeeded" && followed.line_id) {
    return <Imported number={followed.phone_number} lineId={followed.line_id} message={t("setup.ready_text")} />;
  }
  if (importing.isPending || followed) return <Working number={phone_number} operation={running ?? followed} />;
  if (reviewing) return <Review number={phone_number} onBack={() => setReviewing(false)} onImport={start} />;
  return (
    <form onSubmit={form.onSubmit(start)}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t("import.lead")}
        </Text>
        <ProblemAlert error={importing.error} />
        <ImportFields form={form} saved={saved} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("action.cancel")}
          </Button>
          {form.values.account === "saved" && (
            <Button variant="light" disabled={!phone_number} onClick={() => setReviewing(true)}>
              {t("import.review")}
            </Button>
          )}
          <Button type="submit">{t("import.submit")}</Button>
        </Group>
      </Stack>
    </form>
  );
}

/** What is left out is decided by the server: the saved account, the default assistant. */
function inputOf({ phone_number, account, assistant_id, ...credentials }: ImportValues) {
  return {
    phone_number,
    ...(assistant_id ? { assistant_id } : {}),
    ...(account === "other" ? credentials : {}),
  };
}

function Review({ number, onBack, onImport }: { number: string; onBack: () => void; onImport: () => void }) {
  const { t } = useTranslation();
  const { data, error, isPending } = useQuery(queries.checks(number));
  return (
    <Stack>
      {isPending && (
        <Group role="status" gap="sm">
          <Loader size={18} aria-hidden />
          <Text size="sm">{t("line.checking")}</Text>
        </Group>
      )}
      <ProblemAlert error={error} />
      {data && <Text size="sm">{data.plan.length > 0 ? t("import.review_lead") : t("import.review_nothing")}</Text>}
      {data && <ChangeList changes={data.plan} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onBack}>
          {t("action.back")}
        </Button>
        <Button onClick={onImport} disabled={!data}>
          {t("import.submit")}
        </Button>
      </Group>
    </Stack>
  );
}

function Working({ number, operation }: { number: string; operation: Operation | null }) {
  const { t } = useTranslation();
  return (
    <Stack role="status">
      <Group gap="sm">
        <Loader size={18} aria-hidden />
        <Text fw={600}>{t("import.working", { number })}</Text>
      </Group>
      {operation && <OperationProgress operation={operation} />}
    </Stack>
  );
}

function Imported({ number, lineId, message }: { number: string; lineId: string; message: string }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Alert role="status" color="green" icon={<IconCircleCheck />} title={t("import.done_title", { number })} data-imported>
        {message}
      </Alert>
      <Group justify="flex-end">
        <Button component={Link} to={paths.line(lineId)} data-autofocus>
          {t("setup.open_line")}
        </Button>
      </Group>
    </Stack>
  );
}
