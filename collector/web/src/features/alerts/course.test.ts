import { expect, it } from "vitest";
import type { AlertDetail } from "../../lib/types";
import { byWords, courseOf, happenedWord, windowWords } from "./course";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const at = (minutesAgo: number) => new Date(NOW - minutesAgo * 60_000).toISOString();

it("cuts the course where it fired", () => {
  const course = courseOf({ began_at: at(40), fired_at: at(30), resolved_at: at(0), well_at: null }, NOW + 99_000);
  expect(course).toEqual([{ kind: "pending", share: 0.25, words: "10 min" }, { kind: "firing", share: 0.75, words: "30 min" }]);
  expect(courseOf({ began_at: at(5), fired_at: null, resolved_at: null, well_at: null }, NOW)).toEqual([{ kind: "pending", share: 1, words: "5 min" }]);
  expect(courseOf({ began_at: at(5), fired_at: at(5), resolved_at: null, well_at: null }, NOW).map(({ kind }) => kind)).toEqual(["firing"]);
  expect(courseOf({ began_at: at(40), fired_at: at(30), resolved_at: at(0), well_at: at(10) }, NOW).map(({ kind, words }) => `${kind} ${words}`))
    .toEqual(["pending 10 min", "firing 20 min", "well 10 min"]);
  // Of one reading alone, by a clock that is behind.
  expect(courseOf({ began_at: at(-1), fired_at: at(-1), resolved_at: null, well_at: null }, NOW)).toEqual([{ kind: "firing", share: 1, words: "1 s" }]);
});

it("tells when it fires, until it did", () => {
  const of = (for_s: number, began: number, fired: number | null) =>
    windowWords({ evidence: { for_s } as AlertDetail["evidence"], began_at: at(began), fired_at: fired === null ? null : at(fired) }, NOW);
  expect(of(600, 20, 10)).toBeNull();
  expect(of(600, 4, null)).toBe("It fires in 6 min if it stays wrong.");
  expect(of(60, 4, null)).toBe("It fires with the next reading that is wrong.");
});

it("tells what happened and by whom", () => {
  expect(happenedWord({ kind: "unacked" })).toBe("Acknowledgement undone");
  expect(happenedWord({ kind: "moved_away" })).toBe("moved away");
  expect(byWords({ by: null })).toBeNull();
  expect(byWords({ by: { kind: "user", name: "noc@farwatch.example" } })).toBe("by noc@farwatch.example");
  expect(byWords({ by: { kind: "api_key", name: "ticket desk" } })).toBe("by API key ticket desk");
});
