import { Select, SimpleGrid, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { queries } from "../../api/queries";
import type { TapeFilter } from "../../api/types";
import { useUrlState } from "../../util/url-state";

const OUTCOMES = ["accepted", "refused"] as const;
const PROVIDERS = [
  { value: "twilio", label: "Twilio" },
  { value: "vapi", label: "Vapi" },
] as const;
const TYPING_MS = 300;

const useParts = () =>
  [useUrlState("outcome"), useUrlState("provider"), useUrlState("line"), useUrlState("text")] as const;

/** What the tape is narrowed to; it lives in the address, so that it can be handed on. */
export function useTapeFilter(): TapeFilter {
  const [[outcome], [provider], [line], [text]] = useParts();
  const knownOutcome = OUTCOMES.find((known) => known === outcome);
  const knownProvider = PROVIDERS.find(({ value }) => value === provider)?.value;
  return {
    ...(knownOutcome && { outcome: knownOutcome }),
    ...(knownProvider && { provider: knownProvider }),
    ...(line && { line }),
    ...(text && { text }),
  };
}

export function TapeFields() {
  const { t } = useTranslation();
  const lines = useInfiniteQuery(queries.lines());
  const numbers = lines.data?.pages.flatMap((page) => page.lines.map((line) => line.phone_number)) ?? [];
  const [[outcome, setOutcome], [provider, setProvider], [line, setLine], [text, setText]] = useParts();
  const search = useDebouncedCallback(setText, TYPING_MS);
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm" role="search">
      <Select
        label={t("tape.outcome")}
        placeholder={t("tape.any")}
        clearable
        data={OUTCOMES.map((value) => ({ value, label: t(`tape.outcome_${value}`) }))}
        value={outcome}
        onChange={setOutcome}
      />
      <Select
        label={t("tape.provider")}
        placeholder={t("tape.any")}
        clearable
        data={PROVIDERS}
        value={provider}
        onChange={setProvider}
      />
      <Select
        label={t("tape.line")}
        placeholder={t("tape.any")}
        clearable
        searchable
        data={numbers}
        value={line}
        onChange={setLine}
      />
      <TextInput
        label={t("tape.text")}
        placeholder={t("tape.text_placeholder")}
        type="search"
        defaultValue={text ?? ""}
        onChange={(e) => search(e.currentTarget.value || null)}
      />
    </SimpleGrid>
  );
}
