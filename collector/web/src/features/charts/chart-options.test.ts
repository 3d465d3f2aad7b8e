import { expect, it } from "vitest";
import { options } from "./chart-options";
import { DEVICE_CHARTS } from "./specs";

it("tells each tick of an uptime in words of its own, for a device of minutes and for one of years", () => {
  const spec = DEVICE_CHARTS.find(({ id }) => id === "uptime");
  if (!spec) throw new Error("no chart");
  const look = { spec, banded: false, compared: false, small: null, zone: "utc", limits: [], range: null } as const;
  const { axes = [] } = options(look, 400, { onZoom: () => {}, onReset: () => {}, onCursor: () => {}, gaps: () => [] });
  const { incrs, values } = axes[1] ?? {};
  if (!Array.isArray(incrs) || typeof values !== "function") throw new Error("no axis of its own");
  for (const step of incrs as number[]) {
    const ticks = [0, 1, 2, 3, 4, 5].map((n) => n * step);
    const words = values(undefined as never, ticks, 1, 0, step) as string[];
    expect([...new Set(words)]).toEqual(words);
  }
  expect(values(undefined as never, [0, 600, 1200, 1800], 1, 0, 600)).toEqual(["0 s", "10 min", "20 min", "30 min"]);
});
