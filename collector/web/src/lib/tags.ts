/** Tags of devices: what is typed, and what is in use. */
import { byName } from "./format";

/** What is typed may be several, with commas between, if commas part them. Each stands once. */
export function addTags(tags: readonly string[], typed: string, commas = true): string[] {
  const more = (commas ? typed.split(",") : [typed]).map((tag) => tag.trim()).filter((tag) => tag !== "");
  return [...new Set([...tags, ...more])];
}

export function tagsOf(rows: Iterable<{ tags: readonly string[] }>): string[] {
  const all = new Set<string>();
  for (const { tags } of rows) for (const tag of tags) all.add(tag);
  return [...all].toSorted(byName);
}
