/** Lengths of time as people type and read them: «90 s», «10 min», «1h 30m». */
const UNIT_S: Readonly<Record<string, number>> = {
  s: 1, sec: 1, second: 1, m: 60, min: 60, minute: 60, h: 3600, hr: 3600, hour: 3600, d: 86_400, day: 86_400, w: 604_800, week: 604_800,
};

/** Seconds; null when it is no length. Nothing needs no unit. */
export function parseSpan(input: string): number | null {
  const text = input.trim().toLowerCase().replaceAll(/\s+/g, " ");
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d{1,6}) ?([a-z]+?)s?(?: |(?=\d)|$)/g)];
  if (parts.length === 0 || parts.map(([all]) => all).join("") !== text) return null;
  let sum = 0;
  for (const [, count, word] of parts) {
    const unit = UNIT_S[word ?? ""];
    if (unit === undefined) return null;
    sum += Number(count) * unit;
  }
  return sum;
}

const SIZES = [[86_400, "d"], [3600, "h"], [60, "min"]] as const;

/** «90 s», «10 min», «2 h»: as it was set, not rounded. */
export function spanWords(seconds: number): string {
  const [size, word] = SIZES.find(([s]) => seconds >= s && seconds % s === 0) ?? [1, "s"];
  return `${seconds / size} ${word}`;
}
