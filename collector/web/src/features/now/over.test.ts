import { expect, it } from "vitest";
import type { Alert } from "../../lib/types";
import { overSince, spanOf } from "./over";

const NOW = Date.parse("2026-11-22T06:00:00Z");
const SINCE = NOW - 12 * 3_600_000;
const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
const ref = (id: string) => ({ id, name: id });
const alert = (id: string, device: string | null, [began, over]: [number, number], more: Partial<Alert> = {}) => ({
  id, phase: "resolved", severity: "warning", device: device === null ? null : ref(device), agent: ref("agt_1"), rule: ref("Device down"), object: "", ack: null,
  began_at: ago(began), fired_at: ago(began), well_at: null, resolved_at: ago(over), ...more,
}) as unknown as Alert;
const told = (alerts: readonly Alert[]) => overSince(alerts, SINCE).map(({ root, lead, times, others }) => [root, lead.id, times, others]);

it("tells what ended in the span, the last first, each device once", () => {
  expect(told([
    alert("a", "dev_1", [300, 290]), alert("b", "dev_2", [60, 50]), alert("long ago", "dev_3", [900, 800]), alert("over the edge", "dev_4", [900, 700]),
  ])).toEqual([["dev_2", "b", 1, 0], ["dev_1", "a", 1, 0], ["dev_4", "over the edge", 1, 0]]);
});

it("counts how often the same came back, and leads with the worst and the longest", () => {
  expect(told([
    alert("short", "dev_1", [300, 299]), alert("long", "dev_1", [200, 100]), alert("again", "dev_1", [90, 89]),
    alert("port", "dev_1", [80, 20], { rule: ref("Interface down"), object: "ge-0" }),
  ])).toEqual([["dev_1", "long", 2 + 1, 1]]);
  expect(told([alert("warned", "dev_1", [300, 100]), alert("bad", "dev_1", [90, 80], { severity: "critical", rule: ref("Gone") })])).toEqual([["dev_1", "bad", 1, 1]]);
});

it("takes an agent's own by the agent, and leaves out what is open, never fired or is there twice", () => {
  const own = alert("own", null, [30, 20]);
  expect(told([own, own, alert("open", "dev_1", [30, 20], { phase: "firing", resolved_at: null }), alert("pending", "dev_1", [30, 20], { fired_at: null })]))
    .toEqual([["agt_1", "own", 1, 0]]);
});

it("tells the same span as the duration beside it", () => {
  expect(spanOf(alert("a", "dev_1", [60, 50], { well_at: ago(51) }))).toEqual([ago(60), ago(51)]);
  expect(spanOf(alert("a", "dev_1", [60, 50]))).toEqual([ago(60), ago(50)]);
});
