import { useQuery } from "@tanstack/react-query";
import { api, body } from "./client";
import { queries } from "./queries";
import type { Operation } from "./types";
import { useAction } from "./use-action";

/** What an operation makes stale wherever it is shown. */
const TOUCHED = ["operations", "line", "lines", "setup", "doctor", "vapi-numbers"] as const;

export const isOver = ({ state }: Operation): boolean => state !== "pending" && state !== "running";

const FALLBACK_MS = 2000;

/** The latest state of an operation. Live events bring it; a slow poll stands in where they cannot. */
export function useFollowed(operation: Operation | null | undefined): Operation | null {
  const running = operation != null && !isOver(operation);
  const latest = useQuery({
    ...queries.operation(operation?.id ?? ""),
    enabled: running,
    refetchInterval: ({ state }) => (state.data && isOver(state.data) ? false : FALLBACK_MS),
  });
  return (running ? latest.data : undefined) ?? operation ?? null;
}

/** The operation that is running now, while the request that started it is still without its answer. */
export function useRunning(started: boolean): Operation | null {
  const recent = useQuery({ ...queries.operations(), enabled: started, refetchInterval: started ? FALLBACK_MS : false });
  return (started && recent.data?.find((operation) => !isOver(operation))) || null;
}

export function useImport() {
  return useAction(
    (input: { phone_number?: string; twilio_account_sid?: string; twilio_auth_token?: string; assistant_id?: string }) =>
      body(api.POST("/api/v1/phone-numbers/import-twilio", { body: input })),
    { stale: TOUCHED },
  );
}

export function useRepair(line: string) {
  return useAction(() => body(api.POST("/api/v1/lines/{line}/repair", { params: { path: { line } }, body: {} })), {
    stale: TOUCHED,
  });
}

export function useUndo(onDone?: (operation: Operation) => void) {
  return useAction(
    async (id: string) => (await body(api.POST("/api/v1/operations/{id}/undo", { params: { path: { id } } }))).operation,
    { stale: TOUCHED, onDone },
  );
}

export function useRemoveLine(line: string, onDone: () => void) {
  return useAction(
    (confirm: string) => body(api.DELETE("/api/v1/lines/{line}", { params: { path: { line }, query: { confirm } } })),
    { stale: ["operations", "lines", "setup", "vapi-numbers"], onDone },
  );
}
