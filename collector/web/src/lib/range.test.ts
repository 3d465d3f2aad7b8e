import { describe, expect, it } from "vitest";
import { absolute, around, firstRange, fromSearch, label, parsePoint, parseTyped, resolve, shift, zoomIn, zoomOut } from "./range";

const NOW = new Date(2026, 10, 21, 15, 30).getTime();
const at = (day: number, hour = 0, minute = 0) => String(new Date(2026, 10, day, hour, minute).getTime());

describe("parsePoint", () => {
  it.each([
    ["now", NOW],
    ["now-6h", NOW - 6 * 3_600_000],
    ["now-90s", NOW - 90_000],
    ["1795000000000", 1_795_000_000_000],
    ["now-", null],
    ["6h", null],
    ["<script>", null],
  ])("%s", (text, want) => expect(parsePoint(text, NOW)).toBe(want));
});

describe("parseTyped", () => {
  it.each([
    ["6h", { from: "now-6h", to: "now" }],
    ["last 3 days", { from: "now-3d", to: "now" }],
    ["hour", { from: "now-1h", to: "now" }],
    ["now-15m", { from: "now-15m", to: "now" }],
    ["today", { from: at(21), to: "now" }],
    ["yesterday", { from: at(20), to: at(21) }],
    ["Yesterday 14:00", { from: at(20, 14), to: "now" }],
    ["yesterday 14:00 to 16:30", { from: at(20, 14), to: at(20, 16, 30) }],
    ["2026-11-18 to 2026-11-19", { from: at(18), to: at(20) }],
    ["14:00 to now", { from: at(21, 14), to: "now" }],
  ])("%s", (text, want) => expect(parseTyped(text, NOW)).toEqual(want));

  it.each(["", "soon", "25:00", "2026-02-30", "16:00 to 14:00", "0h", "5 parsecs"])(
    "refuses «%s»",
    (text) => expect(parseTyped(text, NOW)).toBeNull(),
  );
});

it("falls back to the last six hours when the URL is odd", () => {
  expect(fromSearch("now-1h", "now")).toEqual({ from: "now-1h", to: "now" });
  expect(fromSearch(1_795_000_000_000, 1_795_003_600_000).from).toBe("1795000000000");
  expect(fromSearch("2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z")).toEqual({ from: "1795269600000", to: "1795273200000" });
  expect(fromSearch(String(Date.now() - 3_600_000), undefined).to).toBe("now");
  expect(fromSearch("2026-99-99T00:00:00Z", "now")).toEqual({ from: "now-1h", to: "now" });
  for (const odd of [undefined, "now+1h", {}, "-5"]) {
    expect(fromSearch(odd, "now")).toEqual({ from: "now-1h", to: "now" });
  }
});

it("moves and widens without passing now", () => {
  const span = { from: NOW - 3_600_000, to: NOW };
  expect(shift(span, -1, NOW)).toEqual(absolute(NOW - 5_400_000, NOW - 1_800_000));
  expect(shift(span, 1, NOW)).toEqual(absolute(span.from, span.to));
  const still = absolute(NOW - 3_600_000, NOW);
  expect(zoomOut(still, NOW)).toEqual(absolute(NOW - 7_200_000, NOW));
});

it("stays live when it widens, and stops at the longest span", () => {
  expect(zoomOut({ from: "now-6h", to: "now" }, NOW)).toEqual({ from: "now-12h", to: "now" });
  const since = { from: String(NOW - 3_600_000), to: "now" };
  expect(zoomOut(since, NOW)).toEqual({ from: String(NOW - 7_200_000), to: "now" });
  const longest = { from: "now-1000d", to: "now" };
  expect(zoomOut(longest, NOW)).toEqual(longest);
});

it("never zooms below ten seconds", () => {
  const span = resolve(absolute(NOW, NOW + 10), NOW);
  expect(span && span.to - span.from).toBeGreaterThanOrEqual(10_000);
});

it("reads well on its button", () => {
  expect(label({ from: "now-6h", to: "now" }, String)).toBe("Last 6 hours");
  expect(label({ from: "now-3d", to: "now" }, String)).toBe("Last 3 d");
  expect(label({ from: "1", to: "2" }, (ms) => `<${ms}>`)).toBe("<1> – <2>");
  const stamp = (ms: number) => `Nov ${Math.floor(ms / 100)}, 14:${ms % 100}`;
  expect(label({ from: "2210", to: "2240" }, stamp)).toBe("Nov 22, 14:10 – 14:40");
  expect(label({ from: "2110", to: "2240" }, stamp)).toBe("Nov 21, 14:10 – Nov 22, 14:40");
});

it("zooms in to half, live up to now and else around the middle, and not to nothing", () => {
  expect(zoomIn({ from: "now-1h", to: "now" }, NOW)).toEqual({ from: "now-1800s", to: "now" });
  expect(zoomIn(absolute(NOW - 4_000_000, NOW), NOW)).toEqual(absolute(NOW - 3_000_000, NOW - 1_000_000));
  const least = { from: "now-15s", to: "now" };
  expect(zoomIn(least, NOW)).toEqual(least);
});

it("looks as far before an event as after it, and not past now", () => {
  const half = 1_800_000;
  expect(around(NOW - 2 * half, half, NOW)).toEqual(absolute(NOW - 3 * half, NOW - half));
  expect(around(NOW - 60_000, half, NOW)).toEqual(absolute(NOW - 60_000 - half, NOW));
});

it("begins with as much as there can be something in", () => {
  const minutes = (count: number) => firstRange(NOW - count * 60_000, NOW).from;
  expect([1, 10, 30, 9999].map(minutes)).toEqual(["now-5m", "now-15m", "now-1h", "now-1h"]);
});
