/** How the configuration of a device stands, in a list of many; by the words of its own page. */
import type { ConfigRow } from "./types";
import { causeWord } from "./words";

export type Standing = "fine" | "failing" | "key" | "never";

export function standingOf({ version, failing, host_key_changed: isOtherKey }: Pick<ConfigRow, "version" | "failing" | "host_key_changed">): Standing {
  // A changed key makes each fetch fail: that it is the key matters more than that it fails.
  if (isOtherKey) return "key";
  if (failing) return "failing";
  return version ? "fine" : "never";
}

const WORD: Readonly<Record<Standing, string>> = {
  fine: "Backed up", failing: "Failing", key: "Host key changed", never: "Not fetched yet",
};

export function standingWord(row: Pick<ConfigRow, "version" | "failing" | "host_key_changed">): { word: string; cause: string | null } {
  const standing = standingOf(row);
  return { word: WORD[standing], cause: standing === "failing" && row.failing ? causeWord(row.failing.cause) : null };
}

/** What needs a hand comes first. */
const ORDER: readonly Standing[] = ["key", "failing", "never", "fine"];

export function standingRank(row: Pick<ConfigRow, "version" | "failing" | "host_key_changed">): number {
  return ORDER.indexOf(standingOf(row));
}

/** The filter of the page, as it stands in the URL. */
export interface ConfigSearch {
  q?: string | undefined;
  site?: string | undefined;
  failing?: true | undefined;
  sort?: string | undefined;
}
