import { expect, it } from "vitest";
import { highlight, type Span } from "./highlight";

const told = (line: string, spans: readonly Span[]) => highlight(line, spans).map(({ text, isFound }) => (isFound ? `[${text}]` : text)).join("");

it("marks what the server has found", () => {
  expect(told("ntp server 192.0.2.1", [[0, 3]])).toBe("[ntp] server 192.0.2.1");
  expect(told("vlan 10,20", [[5, 7], [8, 10]])).toBe("vlan [10],[20]");
  expect(told("vlan 10", [])).toBe("vlan 10");
  expect(told("", [])).toBe("");
});

it("counts characters as the server does, also beyond the basic plane", () => {
  expect(told("name 🛰 Grüße ntp", [[13, 16]])).toBe("name 🛰 Grüße [ntp]");
});

it("holds spans that lie behind the line, or on each other, for none", () => {
  expect(told("ntp", [[1, 99], [50, 60]])).toBe("n[tp]");
  expect(told("abcd", [[0, 3], [1, 2]])).toBe("[abc]d");
});
