/** Acts on alerts and tells what came of it, with the way back: it outlives the page it was done on. */
import type { QueryClient } from "@tanstack/react-query";
import { live } from "../../lib/live-app";
import { toast } from "../../lib/toasts";
import { type Act, actMany, type Done, doneWords, reverse } from "./acts";

const NOTHING: ReadonlySet<string> = new Set();
/** More names than these are counted, not told. */
const NAMED = 3;

function missedWords({ missed }: Done): string {
  const named = missed.slice(0, NAMED).flatMap((id) => live.alerts.get(id)?.summary ?? []);
  return named.length > 0 ? ` Left as it was: ${named.join("; ")}${missed.length > named.length ? "; …" : "."}` : "";
}

function tell(queries: QueryClient, done: Done): void {
  const back = reverse(done);
  const text = `${doneWords(done)}${missedWords(done)}${done.error ? ` ${done.error.message}` : ""}`;
  toast({ text, isBad: done.error !== null, about: done.changed.toSorted().join(" "), ...(back ? { undo: () => void takeBack(queries, back.ids, back.act) } : {}) });
}

/** Where nothing was done, what kept it from being done is thrown. */
export async function perform(queries: QueryClient, ids: readonly string[], act: Act, before: ReadonlySet<string> = NOTHING): Promise<Done> {
  try {
    const done = await actMany(ids, act, before);
    tell(queries, done);
    return done;
  } finally {
    live.refreshAlerts(ids);
    void queries.invalidateQueries({ queryKey: ["alert"] });
  }
}

async function takeBack(queries: QueryClient, ids: readonly string[], act: Act["act"]): Promise<void> {
  try {
    await perform(queries, ids, { act });
  } catch (error) {
    toast({ text: `Not undone. ${error instanceof Error ? error.message : String(error)}`, isBad: true });
  }
}
