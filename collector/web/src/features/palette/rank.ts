/** How well something fits what was typed, and in which order it is offered. */
export interface Target {
  id: string;
  group: string;
  title: string;
  /** Beside the title, muted. */
  detail?: string;
  /** More that it is found by, one a line. */
  words?: string;
  keys?: string | undefined;
  /** Where it leads to, or what it does. */
  href?: string;
  run?: () => void;
}

/** What is read of a target for each letter that is typed, made once. */
export interface Entry {
  target: Target;
  title: string;
  hay: string;
}

export interface Group {
  label: string;
  targets: Target[];
}

/** Of each group; more of them are found by typing more. */
const PER_GROUP = 8;
/** With fewer letters nearly everything would fit somehow. */
const FUZZY_MIN = 3;

export function entriesOf(targets: readonly Target[]): Entry[] {
  return targets.map((target) => ({
    target,
    title: target.title.toLowerCase(),
    hay: `\n${target.title}\n${target.detail ?? ""}\n${target.words ?? ""}\n`.toLowerCase(),
  }));
}

const isLetter = (text: string, at: number) => /[\p{L}\p{N}]/u.test(text[at] ?? "");

/** `part` begins a word of `text`. */
function beginsWord(text: string, part: string): boolean {
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    if (at === 0 || !isLetter(text, at - 1)) return true;
  }
  return false;
}

/** The letters of `part` stand in `text` in their order. */
function isWithin(part: string, text: string): boolean {
  let at = -1;
  for (const letter of part) {
    at = text.indexOf(letter, at + 1);
    if (at < 0) return false;
  }
  return true;
}

/** 0 is the best; null does not fit. `typed` is in small letters. */
export function fit({ title, hay }: Entry, typed: string): number | null {
  const parts = typed.split(/\s+/);
  if (title === typed || hay.includes(`\n${typed}\n`)) return 0;
  if (title.startsWith(typed)) return 1;
  if (parts.every((part) => beginsWord(title, part))) return 2;
  if (parts.every((part) => beginsWord(hay, part))) return 3;
  if (parts.every((part) => hay.includes(part))) return 4;
  const letters = parts.join("");
  return letters.length >= FUZZY_MIN && isWithin(letters, title) ? 5 : null;
}

interface Found {
  target: Target;
  fit: number;
  recent: number;
}

const inOrder = (a: string, b: string) => Number(a > b) - Number(a < b);

/** Things of the same name keep one order, by their ids. */
const byFit = (a: Found, b: Found) =>
  a.fit - b.fit || a.recent - b.recent || a.target.title.length - b.target.title.length ||
  inOrder(a.target.title, b.target.title) || inOrder(a.target.id, b.target.id);

/** Into the best of a group, of which there are few: nothing else is put in order. */
function keepBest(best: Found[], found: Found): void {
  const last = best.at(-1);
  if (best.length === PER_GROUP && last && byFit(found, last) >= 0) return;
  const at = best.findIndex((one) => byFit(found, one) < 0);
  best.splice(at < 0 ? best.length : at, 0, found);
  if (best.length > PER_GROUP) best.pop();
}

/** What fits, in groups: the group of the best fit first. `recent`: ids, the newest first. */
export function search(entries: readonly Entry[], query: string, recent: readonly string[]): Group[] {
  const typed = query.trim().toLowerCase().replaceAll(/\s+/g, " ");
  const place = new Map(recent.map((id, at) => [id, at]));
  const groups = new Map<string, Found[]>();
  for (const entry of entries) {
    const how = fit(entry, typed);
    if (how === null) continue;
    const { target } = entry;
    const best = groups.get(target.group) ?? [];
    groups.set(target.group, best);
    keepBest(best, { target, fit: how, recent: place.get(target.id) ?? recent.length });
  }
  const ordered = [...groups].toSorted(([, [a]], [, [b]]) => (a && b ? byFit(a, b) : 0));
  return ordered.map(([label, best]) => ({ label, targets: best.map(({ target }) => target) }));
}

/** A group, and how many of it are offered. */
export type Offer = readonly [label: string, most: number];

/** Before anything is typed: what was chosen last, then some of each group. `here` is the page that one is on: nobody asks for that. */
export function offered(entries: readonly Entry[], recent: readonly string[], groups: readonly Offer[], here: string): Group[] {
  const others = entries.map(({ target }) => target).filter(({ href }) => href !== here);
  const byId = new Map(others.map((target) => [target.id, target]));
  const last = recent.flatMap((id) => byId.get(id) ?? []);
  const seen = new Set(last.map(({ id }) => id));
  const rest = groups.map(([label, most]) => ({
    label, targets: others.filter(({ group, id }) => group === label && !seen.has(id)).slice(0, most),
  }));
  return [{ label: "Recent", targets: last }, ...rest].filter(({ targets }) => targets.length > 0);
}
