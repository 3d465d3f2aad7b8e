import { expect, it } from "vitest";
import type { AlertDetail } from "../../lib/types";
import { sinceTime } from "../../lib/format";
import { asOf, evidencePlot } from "./evidence";

const T0 = "2026-11-22T12:00:00.000Z";
const later = (s: number) => new Date(Date.parse(T0) + s * 1000).toISOString();
const alert = (condition: object, values: (number | null)[], more: object = {}) => ({
  began_at: T0, fired_at: later(60), resolved_at: null,
  evidence: { condition, samples: values.map((value, i) => ({ at: later(i * 10), value })) }, ...more,
}) as unknown as AlertDetail;
const CPU = { kind: "metric", name: "cpu_percent", is: "above", limit: 90, clear: 80 };

it("draws the readings, the limit and the turns, with room around them", () => {
  const plot = evidencePlot(alert(CPU, [95, 97, null, 99]));
  expect(plot?.data[1]).toEqual([95, 97, 99]);
  expect(plot).toMatchObject({ limit: 90, clear: 80 });
  const [from, to] = plot?.span ?? [0, 0];
  expect(plot?.marks.map(({ kind, at }) => [kind, at > from && at < to])).toEqual([["began", true], ["fired", true]]);
  const [low, high] = plot?.range ?? [0, 0];
  expect(low).toBeLessThan(80);
  expect(high).toBeGreaterThan(99);
});

it("draws no second line where it is well at the limit, and nothing below zero", () => {
  const plot = evidencePlot(alert({ ...CPU, is: "below", limit: 0, clear: 0 }, [0, 0], { resolved_at: later(90) }));
  expect(plot?.clear).toBeNull();
  expect(plot?.range[0]).toBe(0);
  expect(plot?.range[1]).toBeGreaterThan(0);
  expect(plot?.marks).toHaveLength(3);
});

it("marks turns at one place once, as the later one", () => {
  const plot = evidencePlot(alert(CPU, [95, 97, 99], { fired_at: T0, resolved_at: later(90) }));
  expect(plot?.marks.map(({ kind }) => kind)).toEqual(["fired", "resolved"]);
});

it("says of when the readings are while the alert goes on", () => {
  const now = Date.parse(later(86_400));
  const open = alert(CPU, [95, 97], { phase: "firing" });
  expect(asOf(open, now)).toBe(` as of ${sinceTime(later(10), now)}`);
  expect(asOf({ ...open, phase: "resolved" }, now)).toBe("");
  expect(asOf(alert(CPU, [], { phase: "pending" }), now)).toBe("");
});

it("draws nothing of states", () => {
  expect(evidencePlot(alert({ kind: "device_state", states: ["down"] }, [null, null]))).toBeNull();
  expect(evidencePlot(alert(CPU, []))).toBeNull();
});
