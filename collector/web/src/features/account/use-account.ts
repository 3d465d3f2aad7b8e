import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { meQuery } from "../../lib/session";

export const SESSIONS = ["sessions"] as const;

/** Asks again who is signed in, and where: after a change of their account. */
export function useAccountChanged(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(async () => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: meQuery.queryKey }),
      queries.invalidateQueries({ queryKey: SESSIONS }),
    ]);
  }, [queries]);
}
