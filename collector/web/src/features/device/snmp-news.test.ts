import { expect, it } from "vitest";
import { sinceTime } from "../../lib/format";
import type { Device } from "../../lib/types";
import { portNews, snmpNews, snmpTitle, untoldWords } from "./snmp-news";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const told = (state: string, cause: string | null, seconds = 12) =>
  ({ interval_s: 60, snmp_poll: { state, cause, rtt_ms: null, at: ago(seconds), answered_at: ago(90), holds: state === "degraded" && cause === "timeout" } }) as Pick<Device, "snmp_poll" | "interval_s">;
const trust = (...args: Parameters<typeof told>) => snmpNews(told(...args), NOW).trust;

it("believes what SNMP told while it answers, and what the server knows where it never spoke", () => {
  expect(trust("up", null)).toBe("good");
  expect(snmpNews({ interval_s: 60, snmp_poll: null }, NOW).trust).toBe("good");
  expect(snmpTitle(told("up", null), NOW)).toBeNull();
});

it("holds it for old after a poll that failed, and for gone when SNMP is down, refuses or is stale", () => {
  expect(trust("degraded", "timeout")).toBe("old");
  expect(trust("degraded", "wrong_auth")).toBe("gone");
  expect(trust("down", "timeout")).toBe("gone");
  expect(trust("unknown", "agent_offline")).toBe("gone");
  expect(snmpNews(told("up", null, 600), NOW)).toEqual({ trust: "gone", cause: "stale" });
});

it("says on a closer look what keeps new figures away", () => {
  expect(snmpTitle(told("degraded", "timeout"), NOW)).toBe("SNMP: no answer, 12 s ago. This was told 90 s ago.");
  expect(snmpTitle(told("down", "wrong_auth"), NOW)).toBe("SNMP: wrong authentication, 12 s ago. What was told 90 s ago holds no more.");
});

it("counts no ports as down of which nobody tells", () => {
  expect([untoldWords(told("up", null), NOW), untoldWords(told("degraded", "timeout"), NOW)]).toEqual([null, null]);
  expect(untoldWords(told("unknown", "agent_offline"), NOW)).toBe("Not known while the agent is away.");
  expect(untoldWords(told("down", "timeout"), NOW)).toBe("Not known while SNMP tells nothing.");
});

it("says since when nothing is known of an interface, whatever it told last", () => {
  const port = { state: "up", oper: "up", updated_at: ago(40) } as const;
  const since = sinceTime(port.updated_at, NOW);
  expect(portNews(port, "good", 60, NOW)).toEqual({ state: "up", since: null });
  expect(portNews(port, "old", 60, NOW)).toEqual({ state: "up", since: null });
  expect(portNews(port, "gone", 60, NOW)).toEqual({ state: "unknown", since });
  // The server has let go of it.
  expect(portNews({ ...port, state: "unknown", oper: null }, "good", 60, NOW)).toEqual({ state: "unknown", since });
  expect(portNews({ ...port, updated_at: ago(900) }, "good", 60, NOW).state).toBe("unknown");
  expect(portNews({ ...port, state: "unknown", oper: "unknown" }, "good", 60, NOW).since).toBeNull();
  expect(portNews({ ...port, updated_at: null }, "gone", 60, NOW)).toEqual({ state: "unknown", since: null });
});
