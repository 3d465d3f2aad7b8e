import { expect, it } from "vitest";
import { hostOf, linesOf } from "./link-words";

const START = Date.parse("2026-11-23T05:00:00Z");
const at = (second: number, event: string, reason: string | null, transport = "quic", remote_addr = "203.0.113.7:51000") => ({
  at: new Date(START + second * 1000).toISOString(), event, transport, remote_addr, reason,
});
type Event = ReturnType<typeof at>;
const words = (...newestFirst: Event[]) => linesOf(newestFirst, START + 3600_000).map((line) => line.words);
const rough = (...newestFirst: Event[]) => linesOf(newestFirst, START + 3600_000).map((line) => line.isRough);

it("tells what happened, from where and why", () => {
  expect(words(at(0, "opened", null))).toEqual(["Connected by QUIC from 203.0.113.7"]);
  expect(words(at(0, "opened", "udp_blocked", "tcp"))).toEqual(["Connected by TCP from 203.0.113.7: UDP blocked"]);
  expect(words(at(0, "moved", null, "quic", "[2001:db8::1]:443"))).toEqual(["Went on from 2001:db8::1"]);
  expect(words(at(0, "ended", "stopped"))).toEqual(["Ended: the agent was stopped in order"]);
  expect(words(at(0, "ended", "collector_ended"))).toEqual(["Ended: the collector was stopped or killed"]);
  expect(words(at(0, "ended", "moon_phase"))).toEqual(["Ended: moon phase"]);
});

it("leaves out ports, and nothing of an address", () => {
  expect(["10.0.0.1:443", "10.0.0.1", "[fd00::1]:443", "fd00::1"].map(hostOf)).toEqual(["10.0.0.1", "10.0.0.1", "fd00::1", "fd00::1"]);
});

it("knows what is not as it should be", () => {
  expect(rough(at(4, "opened", null), at(3, "opened", "lossy", "tcp"), at(2, "ended", "stopped"), at(1, "moved", null))).toEqual([false, true, false, false]);
});

it("calls broken off only what was not back within 10 s", () => {
  const soon = [at(110, "opened", null), at(105, "moved", null), at(100, "ended", "closed")];
  expect(rough(...soon)).toEqual([false, false, false]);
  expect(words(...soon)[2]).toBe("Ended: the next one began within seconds");
  const late = [at(110.001, "opened", null), at(100, "ended", "closed")];
  expect(rough(...late)).toEqual([false, true]);
  expect(words(...late)[1]).toBe("Ended: the line or the agent broke it off");
  // It is the session after it that counts, and not the newest.
  expect(rough(at(300, "opened", null), at(290, "ended", "stopped"), ...soon)).toEqual([false, false, false, false, false]);
});

it("waits as long for one that is not back yet", () => {
  const ended = at(100, "ended", "closed");
  expect(linesOf([ended], START + 110_000)).toEqual([{ link: ended, words: "Ended", isRough: false }]);
  expect(linesOf([ended], START + 110_001)).toEqual([{ link: ended, words: "Ended: the line or the agent broke it off", isRough: true }]);
});
