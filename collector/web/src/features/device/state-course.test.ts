import { expect, it } from "vitest";
import { isSteady, sinceWhen, stateCourse, upShare } from "./state-course";

const at = (ms: number) => new Date(ms).toISOString();
const change = (ms: number, state: string) => ({ at: at(ms), kind: "state_changed" as const, state });
const other = (ms: number) => ({ at: at(ms), kind: "reboot" as const, state: null });

it("cuts a time into the states that it had, the oldest first", () => {
  const items = [change(900, "up"), other(800), change(700, "down"), change(100, "up")];
  expect(stateCourse(items, "up", 0, 500, 1000)).toEqual([
    { state: "up", from: 500, to: 700 }, { state: "down", from: 700, to: 900 }, { state: "up", from: 900, to: 1000 },
  ]);
  expect(upShare(stateCourse(items, "up", 0, 500, 1000))).toBe(0.6);
  expect(sinceWhen(items, "up")).toBe(at(900));
  // What is too old to be believed is shown as unknown, and nobody told since when.
  expect(sinceWhen(items, "unknown")).toBeNull();
});

it("does not say how it was before the first change, nor before it was there", () => {
  expect(stateCourse([change(700, "down")], "down", 600, 500, 1000)).toEqual([{ state: null, from: 600, to: 700 }, { state: "down", from: 700, to: 1000 }]);
  expect(stateCourse([], "up", 600, 500, 1000)).toEqual([{ state: "up", from: 600, to: 1000 }]);
  expect(sinceWhen([other(5)], "up")).toBeNull();
  expect([isSteady([other(5)]), isSteady([change(5, "up")])]).toEqual([true, false]);
});

it("counts only what is known as up or not", () => {
  expect(upShare([{ state: null, from: 0, to: 5 }, { state: "unknown", from: 5, to: 9 }])).toBeNull();
  expect(upShare([{ state: "unknown", from: 0, to: 5 }, { state: "degraded", from: 5, to: 9 }])).toBe(0);
});
