import { useSuspenseQuery } from "@tanstack/react-query";
import { queries } from "./queries";
import type { Session } from "./types";

/** The signed-in member; only for pages below the session guard, which has loaded it. */
export function useSession(): Session {
  return useSuspenseQuery(queries.session()).data;
}

export function useCan(permission: string): boolean {
  return useSession().permissions.includes(permission);
}
