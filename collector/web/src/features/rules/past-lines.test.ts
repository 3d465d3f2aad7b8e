import { expect, it } from "vitest";
import type { RulePreview } from "../../lib/types";
import { pastLines, pastWords } from "./past-lines";

const FROM = Date.parse("2026-11-21T12:00:00Z");
const at = (hours: number) => new Date(FROM + hours * 3_600_000).toISOString();
const alert = (device: string, fired: number, resolved: number | null) => ({
  device, name: device, object: "if:3", object_name: "ether3", began_at: at(fired), fired_at: at(fired), resolved_at: resolved === null ? null : at(resolved), value: null,
});
const past = (alerts: RulePreview["past"]["alerts"], more = {}): RulePreview["past"] =>
  ({ from: at(0), to: at(24), is_known: true, devices: 3, left_out: 0, total: alerts.length, alerts, ...more });

it("draws each thing on its line, the busiest first", () => {
  const [busy, calm] = pastLines(past([alert("a", 6, 12), alert("b", 0, 6), alert("b", 18, null)]));
  expect(busy).toMatchObject({ name: "b", part: "ether3", count: 2, bars: [{ from: 0, length: 0.25 }, { from: 0.75, length: 0.25 }] });
  expect(calm).toMatchObject({ name: "a", count: 1, bars: [{ from: 0.25, length: 0.25 }] });
});

it("keeps what is short in sight, and what is long within the day", () => {
  const [line] = pastLines(past([alert("a", 1, 1), alert("a", 24, null), alert("a", -3, 30)]));
  for (const { from, length } of line?.bars ?? []) {
    expect(length).toBeGreaterThanOrEqual(0.004);
    expect(from + length).toBeLessThanOrEqual(1.0001);
  }
  expect(line?.bars).toHaveLength(3);
});

it("says what was looked at and what was not", () => {
  expect(pastWords(past([]))).toBe("No alert would have fired; 3 devices looked at.");
  expect(pastWords(past([alert("a", 1, 2)], { total: 260, devices: 1, left_out: 9 })))
    .toBe("260 alerts would have fired; 1 device looked at, 9 left out. The first 1 are shown.");
});
