import { expect, it } from "vitest";
import { eventWords, hostOf, isRough } from "./link-words";

const at = (event: string, reason: string | null, transport = "quic", remote_addr = "203.0.113.7:51000") => ({ event, transport, remote_addr, reason });

it("tells what happened, from where and why", () => {
  expect(eventWords(at("opened", null))).toBe("Connected by QUIC from 203.0.113.7");
  expect(eventWords(at("opened", "udp_blocked", "tcp"))).toBe("Connected by TCP from 203.0.113.7: UDP blocked");
  expect(eventWords(at("moved", null, "quic", "[2001:db8::1]:443"))).toBe("Went on from 2001:db8::1");
  expect(eventWords(at("ended", "stopped"))).toBe("Ended: the agent was stopped in order");
  expect(eventWords(at("ended", "moon_phase"))).toBe("Ended: moon phase");
});

it("leaves out ports, and nothing of an address", () => {
  expect(["10.0.0.1:443", "10.0.0.1", "[fd00::1]:443", "fd00::1"].map(hostOf)).toEqual(["10.0.0.1", "10.0.0.1", "fd00::1", "fd00::1"]);
});

it("knows what is not as it should be", () => {
  expect([at("opened", null), at("opened", "lossy", "tcp"), at("ended", "closed"), at("ended", "stopped"), at("moved", null)].map(isRough)).toEqual([false, true, true, false, false]);
});
