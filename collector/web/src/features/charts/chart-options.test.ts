import { expect, it } from "vitest";
import type { ChartSpec } from "./chart-data";
import { options } from "./chart-options";
import { DEVICE_CHARTS, OBJECT_CHARTS } from "./specs";

function valueAxis(spec: ChartSpec | undefined) {
  if (!spec) throw new Error("no chart");
  const look = { spec, banded: false, compared: false, small: null, zone: "utc", limits: [], range: null } as const;
  const { axes = [] } = options(look, 400, { onZoom: () => {}, onReset: () => {}, onCursor: () => {}, gaps: () => [] });
  const { incrs, values } = axes[1] ?? {};
  if (!Array.isArray(incrs) || typeof values !== "function") throw new Error("no axis of its own");
  return { steps: incrs as number[], words: (ticks: number[]) => values(undefined as never, ticks, 1, 0, ticks[1] ?? 0) as string[] };
}

it("tells each tick of an uptime in words of its own, for a device of minutes and for one of years", () => {
  const { steps, words } = valueAxis(DEVICE_CHARTS.find(({ id }) => id === "uptime"));
  for (const step of steps) {
    const told = words([0, 1, 2, 3, 4, 5].map((n) => n * step));
    expect([...new Set(told)]).toEqual(told);
  }
  expect(words([0, 600, 1200, 1800])).toEqual(["0 s", "10 min", "20 min", "30 min"]);
});

it("has round ticks of bytes", () => {
  const { steps, words } = valueAxis(OBJECT_CHARTS.find(({ id }) => id === "memory"));
  const step = steps.find((one) => one >= 400e6) ?? 0;
  expect(words([0, step, 2 * step, 3 * step])).toEqual(["0 B", "512 MiB", "1 GiB", "1.50 GiB"]);
});
