import { expect, it } from "vitest";
import { clockTime } from "../../lib/format";
import { ageWords, freshness } from "./data-age";

const at = Date.parse("2026-11-22T14:03:00Z");

it("says how old the data is, and since when nothing came", () => {
  expect(ageWords({ phase: "live", heardAt: at }, at + 5000)).toBe("Live");
  expect(ageWords({ phase: "live", heardAt: at }, at + 40_000)).toBe("Data is 40 s old");
  expect(ageWords({ phase: "offline", heardAt: at }, at + 1000)).toBe(`No connection since ${clockTime(at, false)}`);
  expect(freshness({ phase: "connecting", heardAt: at }, at + 1000)).toBe("connecting");
  expect(freshness({ phase: "connecting", heardAt: at }, at + 60_000)).toBe("lost");
});
