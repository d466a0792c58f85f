import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

/** Which cached answers each kind of event makes stale. */
const STALE: Record<string, readonly string[]> = {
  operation: ["operations", "line", "lines", "setup"],
  line: ["line", "lines", "setup", "vapi-numbers"],
  settings: ["settings", "setup", "assistants", "vapi-numbers"],
  assistant: ["assistants", "setup", "settings"],
  organisation: ["organisation", "session", "setup"],
  member: ["members", "session"],
  token: ["tokens"],
};

// Named events reach only listeners of that very name, so every name that the server may send is listed.
const VERBS = ["added", "changed", "created", "removed", "revoked", "started", "step", "finished"];
const KINDS = Object.keys(STALE).flatMap((subject) => VERBS.map((verb) => `${subject}.${verb}`));

const RECONNECT_MS = 3000;

/** Keeps the pages current while they are open. Returns since when the connection is lost, or null. */
export function useLiveEvents(): Date | null {
  const client = useQueryClient();
  const [lostSince, setLostSince] = useState<Date | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const source = new EventSource("/api/v1/events");
    let retry: ReturnType<typeof setTimeout> | undefined;
    for (const kind of KINDS) {
      const stale = STALE[kind.split(".")[0] ?? ""] ?? [];
      source.addEventListener(kind, () => stale.forEach((key) => void client.invalidateQueries({ queryKey: [key] })));
    }
    source.onopen = () => {
      setLostSince(null);
      // A new connection, unlike a resumed one, has missed what happened in between.
      if (attempt > 0) void client.invalidateQueries();
    };
    source.onerror = () => {
      setLostSince((since) => since ?? new Date());
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
