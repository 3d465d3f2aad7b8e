import { expect, it } from "vitest";
import { isSteady, shownCourse, sinceWhen, stateCourse, upShare } from "./state-course";

const at = (ms: number) => new Date(ms).toISOString();
const change = (ms: number, state: string) => ({ at: at(ms), kind: "state_changed" as const, state });
const other = (ms: number) => ({ at: at(ms), kind: "reboot" as const, state: null });

it("cuts a time into the states that it had, the oldest first", () => {
  const items = [change(900, "up"), other(800), change(700, "down"), change(100, "up")];
  expect(stateCourse(items, "up", 0, 500, 1000)).toEqual([
    { state: "up", from: 500, to: 700 }, { state: "down", from: 700, to: 900 }, { state: "up", from: 900, to: 1000 },
  ]);
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

it("keeps what was known before its agent went away", () => {
  const span = { now: "unknown", before: null, bornMs: 0, heardMs: 940, from: 500, to: 1000 } as const;
  const tail = { state: "unknown", from: 940, to: 1000 };
  expect(shownCourse([change(900, "up"), change(700, "down")], span))
    .toEqual([{ state: null, from: 500, to: 700 }, { state: "down", from: 700, to: 900 }, { state: "up", from: 900, to: 940 }, tail]);
  // Without a change in the time it was all of it as it was before.
  expect(shownCourse([], { ...span, before: "up" })).toEqual([{ state: "up", from: 500, to: 940 }, tail]);
  expect(shownCourse([], span)).toEqual([{ state: null, from: 500, to: 940 }, tail]);
  // That it is unknown is told, or nothing was heard for all of the time.
  expect(shownCourse([change(960, "unknown"), change(10, "up")], span)).toEqual([{ state: "up", from: 500, to: 960 }, { state: "unknown", from: 960, to: 1000 }]);
  expect(shownCourse([change(10, "up")], { ...span, heardMs: 400 })).toEqual([{ ...tail, from: 500 }]);
  expect(shownCourse([change(10, "up")], { ...span, now: "up" })).toEqual([{ state: "up", from: 500, to: 1000 }]);
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

it("counts only what is known as up or not, and says how long that was", () => {
  expect(upShare([{ state: null, from: 0, to: 5 }, { state: "unknown", from: 5, to: 9 }], DAY)).toBeNull();
  const half = [{ state: "unknown", from: 0, to: 2 * HOUR }, { state: "degraded", from: 2 * HOUR, to: 3 * HOUR }, { state: "up", from: 3 * HOUR, to: 4 * HOUR }] as const;
  expect(upShare(half, DAY)).toEqual({ share: 0.5, seenMs: 2 * HOUR, isWhole: false });
});

it("makes no share of what was seen for moments, and no whole day of a part of one", () => {
  expect(upShare([{ state: "up", from: 0, to: 5000 }], DAY)).toEqual({ share: null, seenMs: 5000, isWhole: false });
  expect(upShare([{ state: "up", from: 0, to: DAY }], DAY)).toEqual({ share: 1, seenMs: DAY, isWhole: true });
});

it("does not round an outage away", () => {
  const course = [{ state: "down", from: 0, to: 10_000 }, { state: "up", from: 10_000, to: DAY }] as const;
  expect(upShare(course, DAY)?.share).toBe(0.999);
});
