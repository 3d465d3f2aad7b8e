import { expect, it } from "vitest";
import { causeAt, gapsOf, hatched, joined, losses, lossWords } from "./gaps";

const none = (s: number, cause?: string) => (cause ? [s * 1000, null, null, null, cause] : [s * 1000, null, null, null]);
const value = (s: number) => [s * 1000, 1, 1, 1];

it("reaches from the value before to the one after", () => {
  expect(gapsOf([value(10), none(20, "gap_evicted"), none(80, "gap_evicted"), value(90)], 100)).toEqual([{ from: 10, to: 90, cause: "gap_evicted" }]);
});

it("begins and ends with the series where it has no value there", () => {
  expect(gapsOf([none(0, "gap"), value(50), none(60, "gap")], 100)).toEqual([{ from: 0, to: 50, cause: "gap" }, { from: 50, to: 100, cause: "gap" }]);
});

it("cuts where the cause turns, and leaves out what has none", () => {
  expect(gapsOf([value(10), none(20, "timeout"), none(30, "gap_crash"), none(40), value(50)], 100)).toEqual([
    { from: 10, to: 30, cause: "timeout" }, { from: 30, to: 40, cause: "gap_crash" },
  ]);
  expect(gapsOf([value(10), none(20), none(30), value(40)], 100)).toEqual([]);
});

it("joins those of several series, and keeps causes apart", () => {
  const gap = (from: number, to: number, cause: string) => ({ from, to, cause });
  expect(joined([gap(20, 40, "gap"), gap(10, 30, "gap"), gap(25, 50, "timeout"), gap(60, 70, "gap")])).toEqual([
    gap(10, 40, "gap"), gap(25, 50, "timeout"), gap(60, 70, "gap"),
  ]);
});

it("knows what was lost from what was not answered, within a range", () => {
  const gaps = [{ from: 0, to: 10, cause: "timeout" }, { from: 5, to: 20, cause: "gap_evicted" }, { from: 90, to: 95, cause: "gap_crash" }];
  expect(losses(gaps, 15, 90)).toEqual([gaps[1]]);
  expect(causeAt(gaps, 3)).toBe("timeout");
  expect(causeAt(gaps, 7)).toBe("gap_evicted");
  expect(causeAt(gaps, 50)).toBeNull();
  expect(lossWords([...losses(gaps, 0, 100), ...losses(gaps, 0, 20)])).toBe("the agent's buffer was full; the agent was killed or lost power");
});

it("takes the time when the agent did not run for no loss, and draws it all the same", () => {
  const gaps = [{ from: 0, to: 10, cause: "agent_stopped" }, { from: 0, to: 5, cause: "timeout" }, { from: 8, to: 12, cause: "gap_crash" }];
  expect([losses(gaps, 0, 20), hatched(gaps, 0, 20)]).toEqual([[gaps[2]], [gaps[0], gaps[2]]]);
  expect([causeAt(gaps, 3), causeAt(gaps, 9)]).toEqual(["agent_stopped", "gap_crash"]);
});
