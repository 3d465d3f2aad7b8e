/** What a person chose last in the palette: ids alone, kept in this browser. */
import * as v from "valibot";

const KEPT = 6;
const stored = v.array(v.string());
const keyOf = (user: string) => `farwatch.recent.${user}`;

export function recentOf(user: string): readonly string[] {
  try {
    const found = v.safeParse(stored, JSON.parse(localStorage.getItem(keyOf(user)) ?? "[]"));
    return found.success ? found.output.slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

export function withRecent(recent: readonly string[], id: string): readonly string[] {
  return [id, ...recent.filter((one) => one !== id)].slice(0, KEPT);
}

export function rememberRecent(user: string, id: string): void {
  try {
    localStorage.setItem(keyOf(user), JSON.stringify(withRecent(recentOf(user), id)));
  } catch {
    // Storage is closed to us: nothing is offered before something is typed.
  }
}
