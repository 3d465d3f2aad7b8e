import { expect, it } from "vitest";
import {
  agedCount, causeHint, causeWord, isBackfilling, isClockOff, isDim, shownAgent, shownAsked, shownDevices, shownPort, shownState,
  silentS, stateWord,
} from "./state";
import type { Cause, Device } from "./types";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const row = (state: "up" | "down", seconds: number | null, interval_s = 60) => ({
  state, cause: null, interval_s, last_sample_at: seconds === null ? null : ago(seconds),
});

it("never shows an old value as good news", () => {
  expect(shownState(row("up", 299), NOW).state).toBe("up");
  expect(shownState(row("up", 301), NOW)).toEqual({ state: "unknown", cause: "stale" });
  expect(shownState(row("up", null), NOW).state).toBe("unknown");
  expect(shownState(row("up", 700, 300), NOW).state).toBe("up");
  expect(shownState(row("up", 751, 300), NOW).state).toBe("unknown");
});

it.each([null, "pending", "waiting", "stale"])("waits for a first poll, told as %s", (told) => {
  const fresh = { state: "unknown", cause: told as Cause | null, interval_s: 60, last_sample_at: null } as const;
  const { state, cause } = shownState(fresh, NOW);
  expect(`${stateWord(state, cause)} ${causeWord(cause)}`).toBe("Waiting for the first poll");
  // It has answered once: that is too old now.
  const old = shownState({ ...fresh, cause: "stale", last_sample_at: ago(9999) }, NOW);
  expect(`${stateWord(old.state, old.cause)} ${causeWord(old.cause)}`).toBe("Unknown stale");
});

it("says what is missing rather than to wait for a poll that does not come", () => {
  const fresh = { state: "unknown", cause: "pending", interval_s: 60, last_sample_at: null } as const;
  const words = (known: Parameters<typeof shownState>[2]) => {
    const { state, cause } = shownState(fresh, NOW, known);
    return `${stateWord(state, cause)} ${causeWord(cause)}`;
  };
  const agent = { last_seen_at: ago(5), revoked_at: null };
  expect(words({ agent })).toBe("Waiting for the first poll");
  expect(words({ agent: { ...agent, last_seen_at: null } })).toBe("Waiting for its agent");
  expect(words({ agent: { ...agent, revoked_at: ago(5) } })).toBe("Not polled agent revoked");
});

it("says what to do about each thing that SNMPv3 may not like", () => {
  const causes = ["unknown_user", "wrong_auth", "wrong_privacy", "wrong_level", "level_too_low", "wrong_clock", "wrong_context"] as const;
  expect(new Set(causes.map(causeHint)).size).toBe(causes.length);
  expect(causes.map(causeHint)).not.toContain(null);
});

it("says why a device that answers elsewhere or is nowhere tells nothing", () => {
  expect(causeHint("other_source")).toContain("Turn on");
  const words = (cause: Cause) => `${stateWord("unknown", cause)} ${causeWord(cause)}`;
  expect(words("unresolved")).toBe("Not asked name does not resolve");
  expect(words("no_interface")).toBe("Not asked no such interface");
  expect(causeHint("unresolved")).toContain("DNS");
  expect(causeHint("no_interface")).toContain("%");
});

it("ages what echo and SNMP tell each by itself", () => {
  const asked = (seconds: number) => ({ state: "degraded", cause: "packet_loss", at: ago(seconds) }) as const;
  expect(shownAsked(asked(299), 60, NOW)).toEqual({ state: "degraded", cause: "packet_loss" });
  expect(shownAsked(asked(301), 60, NOW)).toEqual({ state: "unknown", cause: "stale" });
  expect(shownAsked({ state: "down", cause: "timeout", at: ago(9999) }, 60, NOW)).toEqual({ state: "down", cause: "timeout" });
});

it("tells a cause that it has never heard of", () => {
  expect(causeWord("no_such_port" as Cause)).toBe("no such port");
});

it("keeps the reason why a device never answered", () => {
  const never = { interval_s: 60, last_sample_at: null } as const;
  expect(shownState({ ...never, state: "down", cause: "timeout" }, NOW).cause).toBe("timeout");
  expect(shownState({ ...never, state: "unknown", cause: "agent_offline" }, NOW).cause).toBe("agent_offline");
  const agent = (seen: string | null) => ({ agent: { last_seen_at: seen, revoked_at: null } });
  expect(shownState({ ...never, state: "unknown", cause: "agent_offline" }, NOW, agent(null)).cause).toBe("agent_unseen");
  expect(shownState({ ...never, state: "unknown", cause: "agent_offline" }, NOW, agent(ago(600))).cause).toBe("agent_offline");
});

it("ages ports and agents as it does devices", () => {
  const port = (seconds: number) => ({ state: "up", updated_at: ago(seconds) }) as const;
  expect(shownPort(port(30), 5, NOW)).toBe("up");
  expect(shownPort(port(31), 5, NOW)).toBe("unknown");
  expect(shownPort(port(149), 60, NOW)).toBe("up");
  expect(shownPort(port(151), 60, NOW)).toBe("unknown");
  const agent = (seconds: number) => ({ state: "degraded", last_seen_at: ago(seconds) }) as const;
  expect(shownAgent(agent(119), NOW)).toBe("degraded");
  expect(shownAgent(agent(121), NOW)).toBe("unknown");
  expect(shownAgent({ state: "down", last_seen_at: ago(9999) }, NOW)).toBe("down");
});

it("counts and sorts devices by what is shown of them", () => {
  const devices = [row("up", 10), row("up", 400), row("down", 400)] as Device[];
  expect(agedCount(devices, NOW)).toBe(1);
  const shown = shownDevices(devices, NOW);
  expect(shown.map((device) => device.state)).toEqual(["up", "unknown", "down"]);
  expect(shown[0]).toBe(devices[0]);
});

it("tells a buffer that catches up from one that is only waiting", () => {
  const told = (seconds: number, heard = 0) => ({ last_seen_at: ago(heard), buffer: { batches: 1, bytes: 1, oldest_at: ago(seconds) } });
  expect(isBackfilling(told(29), NOW)).toBe(false);
  expect(isBackfilling(told(31), NOW)).toBe(true);
  expect(isBackfilling({ buffer: null, last_seen_at: ago(0) }, NOW)).toBe(false);
  // It kept two seconds when it was heard last: what it does since then nobody knows.
  expect(isBackfilling(told(42, 40), NOW)).toBe(false);
  expect(isBackfilling(told(99, 40), NOW)).toBe(true);
});

it("calls an agent silent after it should have said something, until it is offline", () => {
  const silent = (state: "up" | "degraded" | "down", seconds: number) => silentS({ state, last_seen_at: ago(seconds) }, NOW);
  expect([silent("up", 17), silent("up", 19), silent("degraded", 24), silent("down", 24), silent("up", 9999)]).toEqual([null, 19, 24, null, null]);
});

it("keeps bad news", () => {
  expect(shownState(row("down", 9999), NOW).state).toBe("down");
});

it("dims after three intervals", () => {
  expect(isDim(ago(180), 60, NOW)).toBe(false);
  expect(isDim(ago(181), 60, NOW)).toBe(true);
  expect(isDim(null, 60, NOW)).toBe(true);
});

it("lets a clock be off a little", () => {
  expect([null, 2000, -2001, 2001].map(isClockOff)).toEqual([false, false, true, true]);
});
