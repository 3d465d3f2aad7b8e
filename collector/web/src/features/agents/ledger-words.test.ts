import { expect, it } from "vitest";
import { advice, amountWords, classWords, countWords, lengthWords, lostWords, whyWords } from "./ledger-words";

it("tells how much, and owns up where it was not counted", () => {
  expect(amountWords({ gaps: 0, samples: 0 })).toBe("none");
  expect(amountWords({ gaps: 1, samples: 1 })).toBe("1 sample in 1 gap");
  expect(amountWords({ gaps: 2, samples: 0 })).toBe("2 gaps");
  expect(countWords({ count: 7 })).toBe("7 samples");
  expect(countWords({ count: 0 })).toBe("not counted");
});

it("tells what it was and how long", () => {
  expect(classWords({ classes: ["events"], reason: "crash" })).toBe("changes of state");
  expect(classWords({ classes: ["counters", "odd_kind"], reason: "crash" })).toBe("counters, odd kind");
  expect(lengthWords({ from: "2026-11-22T12:00:00Z", to: "2026-11-22T12:30:00Z" })).toBe("30 min");
});

it("has an advice for each reason that is known", () => {
  for (const reason of ["evicted", "corrupt", "crash", "collector_rollback", "rejected"]) expect(advice(reason)).toMatch(/\.$/);
  expect(advice("unknown")).toBeNull();
});

it("tells what a kill took from the time without the agent, and takes a stop for no loss", () => {
  const span = { from: "2026-11-22T12:00:00Z", to: "2026-11-22T12:01:33Z" };
  const of = (reason: string, count = 0) => [lostWords({ reason, count }), whyWords({ reason, ...span })];
  expect(of("crash")).toEqual(["up to a second", "the agent was killed or lost power; not running for 93 s"]);
  expect(of("crash", 4)[0]).toBe("4 samples");
  expect(of("corrupt")).toEqual(["not counted", "the agent's disk damaged it"]);
  expect(of("stopped")).toEqual(["not running", "the agent was not running"]);
  expect(classWords({ classes: ["all"], reason: "stopped" })).toBe("–");
});
