import { expect, it } from "vitest";
import { highlight } from "./highlight";

const told = (line: string, wanted: Parameters<typeof highlight>[1]) =>
  highlight(line, wanted).map(({ text, isFound }) => (isFound ? `[${text}]` : text)).join("");

it("marks what is found, as it was asked for", () => {
  expect(told("NTP server 192.0.2.1", { q: "ntp" })).toBe("[NTP] server 192.0.2.1");
  expect(told("NTP server", { q: "ntp", case: true })).toBe("NTP server");
  expect(told("a.b a-b", { q: "a.b" })).toBe("[a.b] a-b");
});

it("runs no regular expression that somebody else has written", () => {
  expect(told("a.b a-b", { q: "a.b", regex: true })).toBe("a.b a-b");
  // In a browser this one takes longer than anybody waits.
  expect(told(`${"a".repeat(40)}!`, { q: "(a+)+$", regex: true })).toBe(`${"a".repeat(40)}!`);
});

it("leaves a line as it is where nothing is asked for", () => {
  expect(told("vlan 10", {})).toBe("vlan 10");
  expect(highlight("", { q: "x" })).toEqual([{ at: 0, text: "", isFound: false }]);
});
