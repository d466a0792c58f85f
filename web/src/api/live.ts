import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

type Events = { verbs: readonly string[]; stale: readonly string[] };

/**
 * What the server tells of, and which cached answers that makes stale. Named events reach only listeners of that very
 * name, so every one is listed.
 */
export const EVENTS = {
  account: { verbs: ["changed", "password_changed", "password_reset"], stale: ["account", "session", "members"] },
  alert: { verbs: ["acknowledged", "opened", "resolved"], stale: ["alerts", "watch", "line", "lines"] },
  assistant: { verbs: ["created"], stale: ["assistants", "setup", "settings"] },
  audit: { verbs: ["exported"], stale: ["audit"] },
  backup: { verbs: ["restored"], stale: ["readiness"] },
  factor: {
    verbs: ["added", "recovery_code_used", "recovery_codes_renewed", "removed", "renamed", "reset"],
    stale: ["factors"],
  },
  fence: { verbs: ["lifted"], stale: ["readiness"] },
  identity: { verbs: ["linked"], stale: ["account"] },
  invitation: { verbs: ["created", "revoked"], stale: ["invitations"] },
  line: { verbs: ["added", "changed", "drifted", "removed"], stale: ["line", "lines", "diary", "setup", "vapi-numbers"] },
  member: { verbs: ["added", "changed", "removed"], stale: ["members", "invitations", "organisations", "session"] },
  operation: { verbs: ["finished", "started", "step"], stale: ["operations", "line", "lines", "setup"] },
  organisation: { verbs: ["changed", "created"], stale: ["organisation", "organisations", "session", "factors", "setup"] },
  session: { verbs: ["ended", "others_revoked", "revoked", "switched"], stale: ["sessions"] },
  settings: { verbs: ["changed", "removed"], stale: ["settings", "setup", "assistants", "vapi-numbers"] },
  sign_in: { verbs: ["failed", "succeeded"], stale: ["sessions"] },
  tape: { verbs: ["opened", "replayed", "settings_changed"], stale: ["tape"] },
  token: { verbs: ["created", "revoked"], stale: ["tokens"] },
  watch: { verbs: ["changed"], stale: ["watch"] },
  webhook: { verbs: ["added", "removed"], stale: ["webhooks"] },
} satisfies Record<string, Events>;

/** What an event can be about. */
export type EventSubject = keyof typeof EVENTS;

const RECONNECT_MS = 3000;

/** Keeps the pages current while they are open. Returns since when the connection is lost, or null. */
export function useLiveEvents(): Date | null {
  const client = useQueryClient();
  const [lostSince, setLostSince] = useState<Date | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const source = new EventSource("/api/v1/events");
    let retry: ReturnType<typeof setTimeout> | undefined;
    const reread = (keys: readonly string[]) => keys.forEach((key) => void client.invalidateQueries({ queryKey: [key] }));
    for (const [subject, { verbs, stale }] of Object.entries(EVENTS)) {
      for (const verb of verbs) source.addEventListener(`${subject}.${verb}`, () => reread(stale));
    }
    source.onopen = () => {
      setLostSince(null);
      // What was read before has missed what happened until now; what is being read has not.
      void client.invalidateQueries({}, { cancelRefetch: false });
    };
    source.onerror = () => {
      setLostSince((since) => since ?? new Date());
      // The server ends the stream of somebody who may no longer follow it: their page must not stay. A change of ours
      // that is under way may have renewed the session's secret: asked now, the answer would be about the one before.
      if (client.isMutating() === 0) reread(["session"]);
      // The browser resumes a cut connection by itself, but gives up after an error answer.
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(() => setAttempt(attempt + 1), RECONNECT_MS);
    };
    return () => {
      source.close();
      clearTimeout(retry);
    };
  }, [client, attempt]);

  return lostSince;
}
