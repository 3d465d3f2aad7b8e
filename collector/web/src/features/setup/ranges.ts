/** The ranges of a scan as somebody types them: how many addresses they are, before anything is sent. */

/** What one scan takes. */
export const ADDRESSES_MAX = 4096;

const BITS = 32;

/** An address of IPv4 as a number. */
function toNumber(text: string): number | null {
  const parts = text.trim().split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** First and last address; a network's own address and its broadcast address are left out. */
function ends(range: string): [number, number] | null {
  const [left = "", right, ...more] = range.split(/[-/]/);
  const first = toNumber(left);
  if (first === null || more.length > 0) return null;
  if (right === undefined) return [first, first];
  if (range.includes("-")) {
    const last = toNumber(right);
    return last === null || last < first ? null : [first, last];
  }
  if (!/^\d{1,2}$/.test(right.trim()) || Number(right) > BITS) return null;
  const size = 2 ** (BITS - Number(right));
  const base = Math.floor(first / size) * size;
  // RFC 3021: a link between two has no edges.
  const edge = size > 2 ? 1 : 0;
  return [base + edge, base + size - 1 - edge];
}

/** One range a line, or with commas between them. */
export function splitRanges(text: string): string[] {
  return text.split(/[\n,;]/).map((range) => range.trim()).filter(Boolean);
}

export interface Counted {
  /** Each once. */
  addresses: number;
  /** The first that is none. */
  wrong: string | null;
}

export function countRanges(ranges: readonly string[]): Counted {
  const spans: [number, number][] = [];
  for (const range of ranges) {
    const span = ends(range);
    if (!span) return { addresses: 0, wrong: range };
    spans.push(span);
  }
  let addresses = 0;
  let reached = -1;
  for (const [first, last] of spans.toSorted((a, b) => a[0] - b[0])) {
    addresses += Math.max(0, last - Math.max(first, reached + 1) + 1);
    reached = Math.max(reached, last);
  }
  return { addresses, wrong: null };
}

/** The text with this network in it, or without it where it is in it already. */
export function toggleRange(text: string, network: string): string {
  const ranges = splitRanges(text);
  const left = ranges.filter((range) => range !== network);
  return (left.length === ranges.length ? [...ranges, network] : left).join("\n");
}
