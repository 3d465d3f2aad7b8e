import { expect, it } from "vitest";
import { foldReadings } from "./fold-readings";

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const sample = (seconds: number, state: string | null, cause: string | null = null, value: number | null = null) => ({ at: at(seconds), value, state, cause });

it("makes one line of what says the same, and not across the moment it fired", () => {
  const folds = foldReadings([sample(0, "degraded", "timeout"), sample(5, "degraded", "timeout"), sample(10, "degraded", "timeout"), sample(15, "up")], at(5));
  expect(folds.map(({ first, last, count, isAfter }) => [first.at, last.at, count, isAfter])).toEqual([
    [at(0), at(5), 2, false], [at(10), at(10), 1, true], [at(15), at(15), 1, true],
  ]);
});

it("keeps apart what differs in value or in cause, and what comes again", () => {
  expect(foldReadings([sample(0, null, null, 1), sample(1, null, null, 2), sample(2, null, null, 1)], null)).toHaveLength(3);
  expect(foldReadings([sample(0, "down", "timeout"), sample(1, "down", "unreachable")], null)).toHaveLength(2);
  expect(foldReadings([], null)).toEqual([]);
});
