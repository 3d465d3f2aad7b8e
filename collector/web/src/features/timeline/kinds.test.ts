import { expect, it } from "vitest";
import { hrefOf, type Item, signOf, signOfAll, textOf } from "./kinds";

const item: Item = { at: "2026-01-01T00:00:00Z", kind: "reboot", severity: null, state: null, text: "up for 12 s", alert: null, version: null, job: null };

it("tells kinds apart by shape and word, not by colour alone", () => {
  const kinds: readonly Partial<Item>[] = [
    { kind: "alert_fired", severity: "critical" }, { kind: "alert_resolved" }, { kind: "config_changed" }, { kind: "config_failed" },
    { kind: "host_key_changed" }, { kind: "reboot" }, { kind: "fired_unseen" }, { kind: "state_changed", state: "down" },
  ];
  const signs = kinds.map((more) => signOf({ ...item, ...more }));
  expect(new Set(signs.map(({ shape }) => shape)).size).toBe(kinds.length);
  expect(["critical", "warning", "info"].map((severity) => signOf({ ...item, kind: "alert_fired", severity } as Item).shape)).toEqual(["octagon", "triangle", "ring"]);
  expect(new Set(signs.map(({ word }) => word)).size).toBe(kinds.length);
});

it("gives several the worst colour among them", () => {
  expect(signOfAll([item, { ...item, kind: "alert_fired", severity: "critical" }])).toEqual({ word: "2 events", shape: "many", tone: "down" });
  expect(signOfAll([item])).toEqual(signOf(item));
});

it("shows a state in its own colour", () => {
  expect(signOf({ ...item, kind: "state_changed", state: "degraded" }).tone).toBe("degraded");
  expect(signOf({ ...item, kind: "state_changed", state: null }).tone).toBe("unknown");
});

it("reads the cause of a fetch as words, says that of another host key once, and leaves names alone", () => {
  const text = (kind: Item["kind"], told: string) => textOf({ kind, text: told });
  expect(text("config_failed", "Configuration not fetched (port_closed): see (no_ssh).")).toBe("Configuration not fetched (port closed): see (no_ssh).");
  expect(text("host_key_changed", "Another host key was shown (host_key): Check it.")).toBe("Another host key was shown: Check it.");
  expect(text("alert_fired", "uplink (to_core) of edge-1 is down, and was up")).toContain("(to_core)");
});

it("leads to the version, the alert, or the tab that says more", () => {
  expect(hrefOf({ ...item, kind: "config_changed", version: "cfg_1" }, "dev_1")).toBe("/config/cfg_1");
  expect(hrefOf({ ...item, kind: "alert_fired", alert: "alt_1" }, "dev_1")).toBe("/alerts/alt_1");
  expect(hrefOf({ ...item, kind: "config_failed" }, "dev_1")).toBe("/devices/dev_1?tab=config");
  expect(hrefOf(item, "dev_1")).toBeNull();
});
