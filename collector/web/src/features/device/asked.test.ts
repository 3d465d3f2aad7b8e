import { expect, it } from "vitest";
import type { Device } from "../../lib/types";
import { echoOf, snmpOf } from "./asked";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const icmp = { state: "up", cause: null, loss_percent: 0, rtt_ms: 3.214, jitter_ms: 0.31, at: ago(5) } as const;
const snmp_poll = { state: "down", cause: "timeout", rtt_ms: null, at: ago(5) } as const;
const device = { icmp, snmp_poll, interval_s: 60, last_sample_at: ago(5) } as unknown as Device;

const own = { credential: "own", damaged: false } as const;
const none = { credential: "none", damaged: false } as const;

it("keeps apart what echo and SNMP tell", () => {
  const echo = echoOf(device, true, "timeout", NOW);
  expect(echo).toMatchObject({ state: "up", hint: null, figures: [["3.21 ms", "round trip"], ["0.0 %", "lost"], ["0.31 ms", "jitter"]] });
  const snmp = snmpOf(device, own, "timeout", NOW);
  expect(snmp).toMatchObject({ state: "down", cause: "timeout", figures: [["–", "round trip"]] });
  expect(snmp.hint).toContain("SNMP service");
  expect(echoOf({ ...device, icmp: { ...icmp, state: "down", cause: "timeout" } }, true, null, NOW).hint).toContain("drops echo requests");
});

it("never vouches for an old echo", () => {
  const old = echoOf({ ...device, icmp: { ...icmp, at: ago(400) } }, true, null, NOW);
  expect(old).toMatchObject({ state: "unknown", cause: "stale" });
});

it("says that nothing is asked, and why, rather than that nothing is known", () => {
  expect(snmpOf(device, none, null, NOW)).toMatchObject({ cause: "no_credential", figures: [] });
  expect(echoOf(device, false, null, NOW)).toMatchObject({ isOff: true, figures: [] });
  const denied = echoOf({ ...device, icmp: { ...icmp, state: "unknown", cause: "not_permitted", rtt_ms: null } }, true, null, NOW);
  expect(denied.figures).toEqual([]);
  expect(denied.hint).toContain("CAP_NET_RAW");
});

it("waits for a first word, or tells what it waits for", () => {
  const fresh = { ...device, icmp: null, snmp_poll: null, last_sample_at: null };
  expect(echoOf(fresh, true, "pending", NOW)).toMatchObject({ cause: "pending", hint: null });
  expect(snmpOf(fresh, own, "agent_offline", NOW).cause).toBe("agent_offline");
  // SNMP answers, and of echo nothing was ever heard: an older agent.
  expect(echoOf({ ...fresh, last_sample_at: ago(5) }, true, null, NOW).hint).toContain("older version");
  // It was given a credential a moment ago.
  const given = { ...device, snmp_poll: { ...snmp_poll, state: "unknown", cause: "no_credential" } } as Device;
  expect(snmpOf(given, own, null, NOW).cause).toBe("pending");
});

it("does not wait for the answer to a credential that cannot be read", () => {
  const fresh = { ...device, snmp_poll: null };
  const polled = (more: object) => ({ ...device, snmp_poll: { ...snmp_poll, ...more } }) as Device;
  const old = polled({ state: "up", cause: null, at: ago(400) });
  for (const one of [fresh, old, polled({ state: "unknown", cause: "no_credential" }), polled({ state: "unknown", cause: "stale" })]) {
    const told = snmpOf(one, { ...own, damaged: true }, "pending", NOW);
    expect(told).toMatchObject({ state: "unknown", cause: "credential_damaged", figures: [] });
    expect(told.hint).toContain("cannot be read");
  }
  // It was given anew since the page was read: the agent asks with it.
  const anew = snmpOf(polled({ state: "up", cause: null, rtt_ms: 3.2 }), { ...own, damaged: true }, null, NOW);
  expect(anew).toMatchObject({ state: "up", cause: null, hint: null });
  expect(snmpOf(device, { ...own, damaged: true }, null, NOW).cause).toBe("timeout");
});
