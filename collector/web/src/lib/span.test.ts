import { expect, it } from "vitest";
import { parseSpan, spanWords } from "./span";

it.each([["0", 0], ["90s", 90], ["90 s", 90], ["10 min", 600], ["2 hours", 7200], ["1h 30m", 5400], ["1h30m", 5400], ["1 week", 604_800]])(
  "understands «%s»", (text, seconds) => expect(parseSpan(text)).toBe(seconds));

it.each(["", "10", "ten minutes", "5 parsecs", "-1m", "1.5h", "5m later"])("refuses «%s»", (text) => expect(parseSpan(text)).toBeNull());

it("tells a length as it was set, and understands what it tells", () => {
  const all = [0, 60, 90, 3600, 5400, 172_800];
  expect(all.map(spanWords)).toEqual(["0 s", "1 min", "90 s", "1 h", "90 min", "2 d"]);
  expect(all.map((s) => parseSpan(spanWords(s)))).toEqual(all);
});
