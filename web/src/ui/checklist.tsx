import { Anchor, Badge, Box, Button, Code, Collapse, Group, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconCircleCheckFilled, IconCircleDashed, IconCircleXFilled } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Check } from "../api/types";
import { paths } from "../util/paths";
import { GuardedButton } from "./guarded-button";
import "./checklist.css";

const LOOKS = {
  ok: { color: "green", icon: <IconCircleCheckFilled size={24} color="var(--good)" aria-hidden /> },
  failing: { color: "red", icon: <IconCircleXFilled size={24} color="var(--bad)" aria-hidden /> },
  not_reached: { color: "gray", icon: <IconCircleDashed size={24} color="var(--quiet)" aria-hidden /> },
} as const satisfies Record<Check["status"], unknown>;

/** The ordered checks of a line. What passed is folded, what fails is open, what comes after it is grey. */
export function Checklist({ checks, onRepair }: { checks: readonly Check[]; onRepair: () => void }) {
  const { t } = useTranslation();
  return (
    <ol className="checklist" aria-label={t("line.checklist")}>
      {checks.map((check) => (
        <li key={check.id} data-check={check.id} data-status={check.status} data-cause={check.cause}>
          <CheckRow check={check} onRepair={onRepair} />
        </li>
      ))}
    </ol>
  );
}

function CheckRow({ check, onRepair }: { check: Check; onRepair: () => void }) {
  const { t } = useTranslation();
  const [open, { toggle }] = useDisclosure(false);
  const { color, icon } = LOOKS[check.status];
  const failing = check.status === "failing";
  const foldable = check.status === "ok" && hasFacts(check);
  return (
    <Group wrap="nowrap" gap="md" align="flex-start">
        <Box pt={1} className="check-icon">
          {icon}
        </Box>
        <Box flex={1} miw={0}>
          <Group gap="xs" justify="space-between" wrap="nowrap" align="flex-start">
            <Text fw={600}>{check.title}</Text>
            <Group gap={4} wrap="nowrap" h={28}>
              <Badge color={color}>{t(`line.status_${check.status}`)}</Badge>
              {foldable && (
                <UnstyledButton
                  className="fold"
                  onClick={toggle}
                  aria-expanded={open}
                  aria-label={t("line.passed_hidden", { title: check.title })}
                >
                  <IconChevronDown size={18} data-open={open} />
                </UnstyledButton>
              )}
            </Group>
          </Group>
          <Text size="sm" c={failing ? undefined : "dimmed"}>
            {check.summary}
          </Text>
          {failing && <CheckFacts check={check} />}
          {foldable && (
            <Collapse expanded={open}>
              <CheckFacts check={check} />
            </Collapse>
          )}
          {failing && check.fix && <FixAction fix={check.fix} onRepair={onRepair} />}
        </Box>
    </Group>
  );
}

const hasFacts = ({ expected, found, evidence }: Check): boolean =>
  expected != null || found != null || hasEvidence(evidence);

const hasEvidence = (evidence: Check["evidence"]): boolean => evidence != null && Object.keys(evidence).length > 0;

function CheckFacts({ check }: { check: Check }) {
  const { t } = useTranslation();
  return (
    <dl className="facts">
      {check.expected != null && (
        <>
          <dt>{t("line.expected")}</dt>
          <dd className="code">{check.expected}</dd>
        </>
      )}
      {(check.expected ?? check.found) != null && (
        <>
          <dt>{t("line.found")}</dt>
          <dd className="code">{check.found || t("line.nothing")}</dd>
        </>
      )}
      {hasEvidence(check.evidence) && (
        <>
          <dt>{t("line.evidence")}</dt>
          <dd>
            <Code block className="evidence" tabIndex={0}>
              {JSON.stringify(check.evidence, null, 2)}
            </Code>
          </dd>
        </>
      )}
    </dl>
  );
}

function FixAction({ fix, onRepair }: { fix: NonNullable<Check["fix"]>; onRepair: () => void }) {
  if (fix.kind === "repair") {
    return (
      <GuardedButton permission="lines.change" mt="sm" onClick={onRepair}>
        {fix.label}
      </GuardedButton>
    );
  }
  const href = fix.href ?? { settings: paths.settings(), assistant: paths.newAssistant(), manual: null }[fix.kind];
  if (href === null) return <Text mt="sm">{fix.label}</Text>;
  if (/^https?:/.test(href)) {
    return (
      <Anchor mt="sm" display="inline-block" href={href} target="_blank" rel="noreferrer">
        {fix.label}
      </Anchor>
    );
  }
  return (
    <Button mt="sm" component={Link} to={href}>
      {fix.label}
    </Button>
  );
}
