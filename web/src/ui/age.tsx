import { useInterval } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { queries } from "../api/queries";

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** "4 minutes ago", in the given language. */
export function ageOf(time: string, language: string, now = Date.now()): string {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return unit ? format.format(Math.round(seconds / unit[1]), unit[0]) : format.format(0, "second");
}

/** The age of a time, kept current while it is on the screen; the exact time is in the tool-tip. */
export function useAge(): (time: string) => string {
  const { i18n } = useTranslation();
  const [, tick] = useState(0);
  useInterval(() => tick((count) => count + 1), 30_000, { autoInvoke: true });
  return (time) => ageOf(time, i18n.language);
}

const IN_FULL: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "medium" };

/** A time as the reader's clock shows it, in the time zone that they chose. */
export function useClock(): (time: string | Date, format?: Intl.DateTimeFormatOptions) => string {
  const { i18n } = useTranslation();
  const { data } = useQuery({ ...queries.session(), enabled: false });
  const timeZone = data?.member.time_zone ?? undefined;
  return (time, format = IN_FULL) => new Date(time).toLocaleString(i18n.language, { ...format, timeZone });
}

export function Age({ time }: { time: string }) {
  const age = useAge();
  const clock = useClock();
  return (
    <time dateTime={time} title={clock(time)}>
      {age(time)}
    </time>
  );
}
