import { expect, it } from "vitest";
import { clockTime } from "../../lib/format";
import { offlineWords } from "./offline-bar";

it("says since when, with the day where it is another one", () => {
  const now = new Date(2026, 10, 22, 15, 30).getTime();
  const at = new Date(2026, 10, 22, 14, 3).getTime();
  expect(offlineWords(at, now)).toBe(`Offline since ${clockTime(at, false)} · what you see is from then`);
  expect(offlineWords(at - 86_400_000, now)).toMatch(/since .*21.*, .* · what you see/);
});
