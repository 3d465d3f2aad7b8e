/** What this screen is to show, and whether it may. Asks again every minute for as long as the page is open. */
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";
import { ApiError, api, take } from "../../lib/api";
import { connectLive, disconnectLive, live } from "../../lib/live-app";
import { keepLinkToken, takeLinkToken } from "../../lib/screen-link";
import type { Wall } from "../../lib/types";
import { useSecretMutation } from "../../lib/use-secret-mutation";

const RENEW_MS = 60_000;
/** While nobody answers. */
const AGAIN_MS = 5_000;
/** The same after an answer that took longer than that to fail. */
const AGAIN_LEAST_MS = 1_000;

const isRefused = (error: Error | null) => error instanceof ApiError && error.status === 401;

const wallQuery = queryOptions({
  queryKey: ["wall"],
  queryFn: async () => (await take(api.GET("/api/v1/wall"))).data,
  retry: false,
  // A screen has nobody who would load the page again.
  networkMode: "always",
  refetchInterval: ({ state: { error } }) => (error && !isRefused(error) ? AGAIN_MS : RENEW_MS),
});

/** `closed`: this browser is no screen. `removed`: it was one until now. `away`: nobody answers. */
export type WallPhase = "loading" | "closed" | "removed" | "away" | "shown";

export interface WallState {
  phase: WallPhase;
  wall: Wall | undefined;
  /** Why a link did not open it, or what the collector said last. */
  error: Error | null;
  enter: (token: string) => void;
  isEntering: boolean;
}

function phaseOf(wall: Wall | undefined, error: Error | null): WallPhase {
  if (wall) return isRefused(error) ? "removed" : "shown";
  if (!error) return "loading";
  return isRefused(error) ? "closed" : "away";
}

export function useWall(): WallState {
  const queries = useQueryClient();
  const query = useQuery(wallQuery);
  const { mutate: enter, isPending: isEntering, error: refused, variables, submittedAt } = useSecretMutation({
    mutationFn: (token: string) => take(api.POST("/api/v1/wall", { body: { token } })),
    // The cookie is set: whoever is signed in here still sees the wall as themselves.
    onSuccess: () => queries.resetQueries({ queryKey: wallQuery.queryKey }),
  });
  useEffect(() => {
    const open = () => {
      keepLinkToken();
      const token = takeLinkToken();
      if (token) enter(token);
    };
    open();
    addEventListener("hashchange", open);
    return () => removeEventListener("hashchange", open);
  }, [enter]);
  // Nobody stands at the screen to try again: a link that nobody answered is sent again.
  const unanswered = refused && !isRefused(refused) ? variables : undefined;
  useEffect(() => {
    if (unanswered === undefined) return;
    const timer = setTimeout(() => enter(unanswered), Math.max(AGAIN_LEAST_MS, submittedAt + AGAIN_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [unanswered, submittedAt, enter]);

  const found = phaseOf(query.data, query.error);
  const phase = isEntering ? "loading" : unanswered === undefined ? (refused ? "closed" : found) : "away";
  useStream(phase === "shown", query.dataUpdatedAt, () => void query.refetch());
  return { phase, wall: query.data, error: refused ?? query.error, enter, isEntering };
}

/** The live tables, for as long as the screen may see them. `toldAt`: when it was last told that it may. */
function useStream(isShown: boolean, toldAt: number, ask: () => void): void {
  const [refusedAt, setRefusedAt] = useState(0);
  const onDoubt = useEffectEvent(ask);
  const isOpen = isShown && toldAt > refusedAt;
  useEffect(() => {
    if (!isOpen) return;
    live.hasListsOnly = true;
    const onSignedOut = () => {
      setRefusedAt(Date.now());
      onDoubt();
    };
    connectLive({ onSignedOut, onDoubt: () => onDoubt() });
    live.ensureDevices();
    live.ensureAgents();
    live.ensureAlerts();
    return () => {
      live.hasListsOnly = false;
      disconnectLive(false);
    };
  }, [isOpen]);
}
