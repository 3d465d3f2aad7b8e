import { expect, it } from "vitest";
import type { AlertDetail } from "../../lib/types";
import { alertCharts, alertRange } from "./alert-charts";

const alert = (condition: object, object = "", device: object | null = { id: "dev_1", name: "core-1" }) =>
  ({ device, object, evidence: { condition } }) as unknown as AlertDetail;
const metric = (name: string, more: object = {}) => ({ kind: "metric", name, is: "above", limit: 90, ...more });
const ids = (one: AlertDetail) => alertCharts(one)?.charts.map(({ id }) => id) ?? null;

it("shows what the rule looks at, with its limits", () => {
  expect(ids(alert({ kind: "device_state", states: ["down"] }))).toEqual(["rtt", "loss"]);
  expect(ids(alert({ kind: "interface_state" }, "if:3"))).toEqual(["traffic"]);
  expect(alertCharts(alert(metric("temperature_celsius", { clear: 80 }), "sensor:2"))).toMatchObject({
    object: "sensor:2", charts: [{ id: "temperature_celsius" }], limits: [{ value: 90, word: "limit" }, { value: 80, word: "clear" }],
  });
  expect(ids(alert(metric("if_out_errors_per_s"), "if:3"))).toEqual(["errors"]);
  expect(alertCharts(alert(metric("snmp_failed", { limit: 1 })))?.limits).toEqual([]);
});

it("shows none where no series has the same unit, or there is no device", () => {
  expect(ids(alert(metric("memory_used_percent"), "memory:1"))).toBeNull();
  expect(ids(alert(metric("cpu_percent")))).toBeNull();
  expect(ids(alert({ kind: "agent_state" }, "", null))).toBeNull();
});

it("leaves room before and after, and is live while it is open or was over a moment ago", () => {
  const at = (minutes: number) => new Date(minutes * 60_000).toISOString();
  const range = (began: number, resolved: number | null) => alertRange({ began_at: at(began), resolved_at: resolved === null ? null : at(resolved) }, 1000 * 60_000);
  expect(range(900, 910)).toEqual({ from: String(890 * 60_000), to: String(920 * 60_000) });
  expect(range(400, 800)).toEqual({ from: String(300 * 60_000), to: String(900 * 60_000) });
  expect(range(900, null).to).toBe("now");
  expect(range(980, 995).to).toBe("now");
});
