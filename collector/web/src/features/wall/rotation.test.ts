import { expect, it } from "vitest";
import { firstTurn, isDue, progress, shiftAt, step, stepPast, toggled } from "./rotation";

const EVERY = 10_000;

it("gives each view its time, and begins again after the last", () => {
  let turn = firstTurn(0);
  expect([progress(turn, 5000, EVERY), isDue(turn, 9999, EVERY), isDue(turn, EVERY, EVERY)]).toEqual([0.5, false, true]);
  turn = step(turn, 1, 2, EVERY);
  expect([turn.at, progress(turn, EVERY, EVERY)]).toEqual([1, 0]);
  expect(step(turn, 1, 2, 20_000).at).toBe(0);
  expect(step(firstTurn(0), -1, 3, 0).at).toBe(2);
  // A view was taken away meanwhile.
  expect(step({ ...turn, at: 4 }, 1, 2, 0).at).toBe(1);
});

it("goes past what says nothing new, as long as anything does", () => {
  const to = (at: number, ...spent: number[]) => stepPast({ ...firstTurn(0), at }, 4, 5, (one) => spent.includes(one)).at;
  expect([to(2, 3), to(0), to(0, 1, 2), to(1, 0, 1, 2, 3), to(3, 3)]).toEqual([0, 1, 3, 2, 0]);
});

it("stands still while it is paused, and goes on with what was left", () => {
  const paused = toggled(firstTurn(0), 4000);
  expect([isDue(paused, 60_000, EVERY), progress(paused, 60_000, EVERY)]).toEqual([false, 0.4]);
  expect(step(paused, 1, 3, 60_000)).toEqual({ at: 1, sinceMs: 60_000, pausedMs: 60_000 });
  const on = toggled(paused, 60_000);
  expect([progress(on, 60_000, EVERY), isDue(on, 66_000, EVERY)]).toEqual([0.4, true]);
});

it("moves the picture one step a minute at most, and never far", () => {
  const places = new Set<string>();
  for (let minute = 29_000_000; minute < 29_000_100; minute += 1) {
    const [from, to] = [shiftAt(minute), shiftAt(minute + 1)];
    expect(Math.abs(to.x - from.x) + Math.abs(to.y - from.y)).toBeLessThanOrEqual(2);
    expect(Math.max(Math.abs(to.x), Math.abs(to.y))).toBeLessThanOrEqual(3);
    places.add(`${to.x} ${to.y}`);
  }
  expect(places.size).toBeGreaterThan(20);
});
