import { Badge, Group, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Change } from "../api/types";
import "./change-list.css";

/** What a plan changes, exactly: every field with its value now and then. */
export function ChangeList({ changes }: { changes: readonly Change[] }) {
  return (
    <Stack component="ol" gap="md" className="plain-list">
      {changes.map((change, index) => (
        <li key={`${index}-${change.kind}`} data-change={change.kind}>
          <ChangeSummary change={change} />
          <FieldChanges fields={change.fields} />
        </li>
      ))}
    </Stack>
  );
}

export function ChangeSummary({ change }: { change: Change }) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Badge color="gray" size="sm" mt={2}>
        {change.provider === "vapi" ? "Vapi" : "Twilio"}
      </Badge>
      <Text size="sm" fw={550}>
        {change.summary}
      </Text>
    </Group>
  );
}

export function FieldChanges({ fields }: { fields: Change["fields"] }) {
  const { t } = useTranslation();
  if (fields.length === 0) return null;
  return (
    <dl className="field-changes">
      {fields.map(({ field, from, to }) => (
        <div key={field} className="field-change">
          <dt className="code">{field}</dt>
          <dd className="from" data-empty={!from || undefined}>
            <span className="visually-hidden">{t("repair.from")} </span>
            <span className="code">{from || t("repair.empty")}</span>
          </dd>
          <dd className="to" data-empty={!to || undefined}>
            <span className="visually-hidden">{t("repair.to")} </span>
            <span className="code">{to || t("repair.empty")}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
