/** The versions of a device beside one of them. */
import type { Version } from "./types";

export interface Steps {
  older: string | null;
  newer: string | null;
}

/** `rows`: the newest first, of those that are loaded; `before`: the one before it, where the server has said so. */
export function stepsOf(id: string, rows: readonly Pick<Version, "id">[], before: string | null): Steps {
  const at = rows.findIndex((one) => one.id === id);
  if (at < 0) return { older: before, newer: null };
  return { older: rows[at + 1]?.id ?? before, newer: rows[at - 1]?.id ?? null };
}
