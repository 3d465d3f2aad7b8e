import { expect, it } from "vitest";
import { completeOf } from "./complete";

const of = (total: object) =>
  completeOf({
    from: "2026-11-22T12:00:00Z", to: "2026-11-23T12:00:00Z", devices: [],
    total: { expected: 0, stored: 0, declared: 0, awaited: 0, not_asked: 0, single: 0, undeclared: 0, share_stored: null, ...total },
  });

it("rounds down: what is missing is never rounded away", () => {
  expect(of({ expected: 15_887, stored: 15_853, undeclared: 34 }))
    .toEqual({ here: "99.7 % of 15,887 polls due in 24 h are here", undeclared: 34, rest: "" });
  expect(of({ expected: 10_000, stored: 9_999, declared: 1 })).toMatchObject({ here: "99.9 % of 10,000 polls due in 24 h are here", rest: "1 declared lost" });
  expect(of({ expected: 60, stored: 60 })?.here).toBe("100.0 % of 60 polls due in 24 h are here");
});

it("tells single polls apart", () => {
  expect(of({ expected: 100, stored: 97, undeclared: 2, single: 1 })).toEqual({ here: "97.0 % of 100 polls due in 24 h are here", undeclared: 2, rest: "1 missing one by one" });
});

it("expects nothing of the time when the agent was stopped", () => {
  expect(of({ expected: 100, stored: 40, awaited: 10, not_asked: 50 })).toMatchObject({ here: "80.0 % of 50 polls due in 24 h are here", rest: "10 still at the agent" });
  expect(of({ expected: 50, not_asked: 50 })).toBeNull();
  expect(of({})).toBeNull();
});
