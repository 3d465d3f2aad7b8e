/** What the pointer says where a chart of a device has no value. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, take } from "../../lib/api";
import { live, toldNow } from "../../lib/live-app";
import { shownAgent } from "../../lib/state";
import type { Device } from "../../lib/types";
import { ROWS } from "../../lib/use-pages";
import { wordsIn, type Zone } from "../../lib/zone";
import { absencesOf, AWAY, type Hole, holeWords, STOPPED } from "./why";

const EVERY_MS = 60_000;

export function useWhy(device: Pick<Device, "agent" | "created_at"> | null | undefined, zone: Zone): (hole: Hole) => string {
  const id = device?.agent.id ?? "";
  const { data } = useQuery({
    queryKey: ["absences", id],
    enabled: id !== "",
    refetchInterval: EVERY_MS,
    queryFn: async () => absencesOf((await take(api.GET("/api/v1/agents/{id}/links", { params: { path: { id }, query: { limit: ROWS } } }))).data),
  });
  const born = device?.created_at;
  return useMemo(() => (hole) => {
    // Read when it is asked: its row changes each second, and all charts of the page stand on this.
    const agent = live.agents.get(id);
    const state = agent && shownAgent(agent, toldNow());
    const isAway = agent?.last_seen_at && (state === "down" || state === "unknown");
    // Its session may end a while after it was heard last.
    const now = isAway ? [{ from: Date.parse(agent.last_seen_at ?? "") / 1000, to: null, what: agent.offline_reason === "stopped" ? STOPPED : AWAY }] : [];
    return holeWords(hole, { absences: [...now, ...(data ?? [])], bornS: Date.parse(born ?? "") / 1000, clock: wordsIn(zone).clock });
  }, [id, data, born, zone]);
}
