import { expect, it } from "vitest";
import type { AlertDetail, Delivery } from "../../lib/types";
import { byWords, courseOf, deliveryWords, happenedWord, toldWords, windowWords } from "./course";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const at = (minutesAgo: number) => new Date(NOW - minutesAgo * 60_000).toISOString();

it("cuts the course where it fired", () => {
  const course = courseOf({ began_at: at(40), fired_at: at(30), resolved_at: at(0) }, NOW + 99_000);
  expect(course).toEqual([{ kind: "pending", share: 0.25, words: "10 min" }, { kind: "firing", share: 0.75, words: "30 min" }]);
  expect(courseOf({ began_at: at(5), fired_at: null, resolved_at: null }, NOW)).toEqual([{ kind: "pending", share: 1, words: "5 min" }]);
  expect(courseOf({ began_at: at(5), fired_at: at(5), resolved_at: null }, NOW).map(({ kind }) => kind)).toEqual(["firing"]);
  // Of one reading alone, by a clock that is behind.
  expect(courseOf({ began_at: at(-1), fired_at: at(-1), resolved_at: null }, NOW)).toEqual([{ kind: "firing", share: 1, words: "1 s" }]);
});

it("tells the window before it fired", () => {
  const of = (for_s: number, began: number, fired: number | null) =>
    windowWords({ evidence: { for_s } as AlertDetail["evidence"], began_at: at(began), fired_at: fired === null ? null : at(fired) }, NOW);
  expect(of(600, 20, 10)).toBe("It was wrong for 10 min, then it fired.");
  expect(of(0, 20, 20)).toBe("It fired with the first reading that was wrong.");
  expect(of(600, 4, null)).toBe("It fires in 6 min if it stays wrong.");
  expect(of(60, 4, null)).toBe("It fires with the next reading that is wrong.");
});

it("tells what happened and by whom", () => {
  expect(happenedWord({ kind: "unacked" })).toBe("Acknowledged no longer");
  expect(happenedWord({ kind: "moved_away" })).toBe("moved away");
  expect(byWords({ by: null })).toBeNull();
  expect(byWords({ by: { kind: "user", name: "noc@farwatch.example" } })).toBe("by noc@farwatch.example");
  expect(byWords({ by: { kind: "api_key", name: "ticket desk" } })).toBe("by API key ticket desk");
});

it("tells how far a delivery has come", () => {
  const tried = (outcome: string, detail: string) => ({ at: at(1), outcome, detail, status: null, took_ms: 1 });
  const of = (state: Delivery["state"], ...attempts: Delivery["attempts"]) => deliveryWords({ state, attempts });
  expect(of("queued")).toBe("on its way");
  expect(of("queued", tried("timeout", "no answer within 10 s"))).toBe("1 try so far: no answer within 10 s");
  expect(of("delivered", tried("delivered", ""))).toBe("delivered");
  expect(of("delivered", tried("timeout", "x"), tried("delivered", ""))).toBe("delivered at the 2nd try");
  expect(of("failed", tried("refused", ""), tried("refused", ""))).toBe("given up after 2 tries: refused");
  expect(toldWords({ event: "alert.resolved" })).toBe("that it is over");
});
