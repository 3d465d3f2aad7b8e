import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useDeferredValue, useMemo, useState } from "react";
import { currentSecond } from "../../lib/clock";
import { live } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import { isInScope, useScope } from "../../lib/scope";
import { patched } from "../../lib/search-patch";
import type { Alert } from "../../lib/types";
import { useHeld } from "../../lib/use-held";
import { useSnapshot } from "../../lib/use-snapshot";
import { type About, chosen, heldRows, isAbout, matches, type Rows, tally, waiting } from "./filter";
import { handled, isSilent, type Order, ordered, type Severity, type Standing } from "./standing";
import { useCalled } from "./subject";
import { usePast } from "./use-past";

const route = getRouteApi("/_app/alerts/");

export interface InboxSearch {
  q?: string | undefined;
  severity?: Severity | undefined;
  state?: Standing | undefined;
  order?: Order | undefined;
  /** Ids of one of these: alerts of it alone. */
  rule?: string | undefined;
  device?: string | undefined;
  agent?: string | undefined;
  /** The alert beside the list. */
  open?: string | undefined;
}

const secondMs = () => currentSecond() * 1000;
const silent = () => live.alerts.list().filter((alert) => isSilent(alert, secondMs())).length;
const whole = (rows: readonly Alert[]) => [...rows];

/** What the alerts are narrowed to, by the name that they know it by; null where none of them does, or it is not narrowed. */
function nameOf(about: About, alerts: readonly Alert[]): string | null {
  const found = about.rule || about.device || about.agent ? alerts.find((alert) => isAbout(alert, about)) : undefined;
  if (!found) return null;
  return about.rule ? found.rule.name : about.device ? (found.device?.name ?? null) : found.agent.name;
}

const NO_ROWS: Rows = { key: "", ids: [] };

export function useInbox() {
  const search: InboxSearch = route.useSearch();
  const navigate = route.useNavigate();
  const setSearch = (patch: InboxSearch) => void navigate({ search: (old) => patched(old, patch), replace: true });
  const [paused, isHeld] = useHeld();
  const query = useDeferredValue((search.q ?? "").trim());
  const { severity, state, order = "worst", rule, device, agent } = search;
  const about = useMemo(() => ({ rule, device, agent }), [rule, device, agent]);
  const mayIn = useMayIn();
  const scope = useScope();
  const called = useCalled();
  const snapshot = useSnapshot(live.alerts, silent, whole, handled);
  const named = useMemo(() => nameOf(about, snapshot), [about, snapshot]);
  const past = usePast({ severity, query, tenant: scope.tenant?.id, about }, state === "resolved");

  const isFound = useCallback(
    (alert: Alert) => isInScope(scope, alert) && isAbout(alert, about) && (!query || matches(alert, called(alert), query, secondMs())),
    [scope, called, query, about],
  );
  const found = useMemo(() => snapshot.filter(isFound), [snapshot, isFound]);
  const choice = useMemo(() => ({ severity, standing: state, query }), [severity, state, query]);
  const counts = useMemo(() => tally(found, choice, secondMs()), [found, choice]);
  const key = [severity, state, order, query, rule, device, agent, scope.tenant?.id].join("\n");
  const fresh = useMemo<Rows>(() => {
    const rows = state === "resolved" ? past.rows : ordered(chosen(found, choice, secondMs()), order, secondMs());
    return { key, ids: rows.map(({ id }) => id) };
  }, [state, past.rows, found, choice, order, key]);

  const [kept, setKept] = useState(NO_ROWS);
  const rows = heldRows(kept, fresh, isHeld);
  // Derived while rendering: what was shown last is what is kept.
  if (rows !== kept) setKept(rows);
  const total = useMemo(() => snapshot.filter((alert) => isInScope(scope, alert) && alert.phase !== "resolved").length, [snapshot, scope]);
  // What is over is beyond help; what came to nothing has no row here any more.
  const canAct = useMemo<ReadonlySet<string>>(
    () => new Set(snapshot.filter(({ phase, tenant }) => phase !== "resolved" && mayIn(tenant.id).write).map(({ id }) => id)),
    [snapshot, mayIn],
  );
  return { search, setSearch, paused, isHeld, named, canAct, ids: rows.ids, isNew: waiting(rows, fresh), counts, total, past, isMixed: scope.isMixed };
}

export type Inbox = ReturnType<typeof useInbox>;
