/**
 * Marks in place of secrets: `«secret:0a1b2c3d»`, the same for the same secret of a site, or `«secret»`
 * where a secret reads otherwise with each fetch.
 */
const MARK = "«secret(?::[0-9a-f]{8})?»";

export function markPattern(): RegExp {
  return new RegExp(MARK, "g");
}

/** A line with what is secret in it made alike. */
function bare(line: string): string {
  return line.replaceAll(markPattern(), "«secret»");
}

function named(lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.match(markPattern()) ?? []);
}

/** How many lines differ in nothing but a secret. */
export function secretsChanged(before: readonly string[], after: readonly string[]): number {
  const gone = new Map<string, number>();
  for (const line of before) {
    if (named([line]).length === 0) continue;
    gone.set(bare(line), (gone.get(bare(line)) ?? 0) + 1);
  }
  let changed = 0;
  for (const line of after) {
    const left = named([line]).length > 0 ? (gone.get(bare(line)) ?? 0) : 0;
    if (left === 0) continue;
    changed += 1;
    gone.set(bare(line), left - 1);
  }
  return changed;
}

export interface Changed {
  before: string[];
  after: string[];
}

/** The lines that a unified diff takes away and brings. */
export function changedLines(unified: string): Changed {
  const changed: Changed = { before: [], after: [] };
  let inside = false;
  for (const line of unified.split("\n")) {
    if (line.startsWith("@@")) inside = true;
    else if (inside && line.startsWith("-")) changed.before.push(line.slice(1));
    else if (inside && line.startsWith("+")) changed.after.push(line.slice(1));
  }
  return changed;
}
