import { useSuspenseQuery } from "@tanstack/react-query";
import { queries } from "./queries";
import type { Factors, Session } from "./types";

/** The signed-in member; only for pages below the session guard, which has loaded it. */
export function useSession(): Session {
  return useSuspenseQuery(queries.session()).data;
}

export const hasFactor = ({ totp, passkeys }: Factors): boolean => totp || passkeys.length > 0;

export function useCan(permission: string): boolean {
  return useSession().permissions.includes(permission);
}
