import { Pill, Select, SimpleGrid, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { EVENTS, type EventSubject } from "../../api/live";
import { queries } from "../../api/queries";
import type { AuditFilter } from "../../api/types";
import { useUrlState } from "../../util/url-state";

const SUBJECTS = Object.keys(EVENTS) as EventSubject[];

/** What the trail is narrowed to; it lives in the address, so that it can be handed on. */
export function useAuditFilter(): AuditFilter {
  const [[from], [to], [actor], [kind], [subject]] = useParts();
  return {
    ...(from && { from: new Date(`${from}T00:00`).toISOString() }),
    ...(to && { to: new Date(`${to}T23:59:59.999`).toISOString() }),
    ...(actor && { actor }),
    ...(kind && { kind: `${kind}.` }),
    ...(subject && { subject }),
  };
}

const useParts = () =>
  [useUrlState("from"), useUrlState("to"), useUrlState("actor"), useUrlState("kind"), useUrlState("subject")] as const;

export function AuditFields() {
  const { t } = useTranslation();
  const members = useQuery(queries.members());
  const [[from, setFrom], [to, setTo], [actor, setActor], [kind, setKind], [subject, setSubject]] = useParts();
  const kinds = SUBJECTS.map((value) => ({ value, label: t(`audit.kind_${value}`) }));
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm" role="search">
        <TextInput label={t("audit.from")} type="date" value={from ?? ""} onChange={(e) => setFrom(e.currentTarget.value || null)} />
        <TextInput label={t("audit.to")} type="date" value={to ?? ""} onChange={(e) => setTo(e.currentTarget.value || null)} />
        <Select
          label={t("audit.actor")}
          placeholder={t("audit.anybody")}
          clearable
          searchable
          data={(members.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          value={actor}
          onChange={setActor}
        />
        <Select
          label={t("audit.kind")}
          placeholder={t("audit.anything")}
          clearable
          searchable
          data={kinds.sort((a, b) => a.label.localeCompare(b.label))}
          value={kind}
          onChange={setKind}
        />
      </SimpleGrid>
      {subject && (
        <div>
          <Pill withRemoveButton onRemove={() => setSubject(null)} size="lg" removeButtonProps={{ "aria-label": t("audit.any_subject") }}>
            {t("audit.one_subject")}
          </Pill>
        </div>
      )}
    </>
  );
}
