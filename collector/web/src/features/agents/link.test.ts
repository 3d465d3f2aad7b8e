import { expect, it } from "vitest";
import { clockWords, linkNote, lostWords, notQuic, transportWord } from "./link";

const link = (transport: string | null, transport_reason: string | null, proxied = false) => ({ transport, transport_reason, proxied });

it("says why it is not QUIC, and what to open", () => {
  expect(notQuic(link("quic", null))).toBeNull();
  expect(notQuic(link(null, "udp_blocked"))).toBeNull();
  expect(notQuic(link("tcp", "udp_blocked"))?.hint).toContain("UDP out to port 443");
  expect(notQuic(link("tcp", null, true))?.hint).toContain("proxy");
  expect(notQuic(link("tcp", "moon_phase"))).toEqual({ word: "moon phase", hint: "" });
  expect(notQuic(link("tcp", null))).toBeNull();
});

it("notes it beside the transport", () => {
  expect(linkNote(link("tcp", "udp_blocked", true))).toBe("UDP blocked, by proxy");
  expect(linkNote(link("tcp", null, true))).toBe("by proxy");
  expect(linkNote(link("quic", null))).toBe("");
  // Not connected: what was is not told as what is.
  expect(linkNote(link(null, null, true))).toBe("");
  expect(transportWord(null)).toBe("–");
});

it("tells a clock that is off from one that is right", () => {
  expect(clockWords(-12.5)).toBe("Its clock is right.");
  expect(clockWords(4100)).toBe("Its clock is 4 s ahead: set up NTP there.");
  expect(clockWords(-3_600_000)).toBe("Its clock is 60 min behind: set up NTP there. Until then its times are put right as they arrive.");
  expect(clockWords(null)).toBe("");
});

it("says why the loss is not known", () => {
  expect(lostWords({ transport: "quic" }, false)).toContain("away");
  expect(lostWords({ transport: null }, true)).toContain("away");
  expect(lostWords({ transport: "quic" }, true)).toBe("too few packets so far");
  expect(lostWords({ transport: "tcp" }, true)).toBe("TCP does not tell");
});
