import { expect, it } from "vitest";
import { countRanges, splitRanges, toggleRange } from "./ranges";

const count = (text: string) => countRanges(splitRanges(text));

it("counts what the collector counts", () => {
  const cases: [string, number][] = [
    ["192.168.88.0/24", 254], ["10.0.0.9/30", 2], ["10.0.0.9/31", 2], ["10.0.0.9/32", 1], ["10.0.0.9", 1],
    ["10.0.0.255 - 10.0.1.1", 3], ["10.0.0.0/20", 4094], ["192.168.88.0/24, 192.168.88.200-192.168.88.254", 254],
    ["10.0.0.1\n10.0.0.1\n10.0.0.2", 2], ["", 0], ["0.0.0.0/0", 4_294_967_294],
  ];
  for (const [text, addresses] of cases) expect({ text, ...count(text) }).toEqual({ text, addresses, wrong: null });
});

it("names the first that is none", () => {
  for (const text of ["10.0.0/24", "10.0.0.0/33", "10.0.0.0/", "10.0.0.2-10.0.0.1", "core", "fe80::/64", "10.0.0.1-2", "10.0.0.256", "10.0.0.0/24/24"]) {
    expect(count(`10.0.0.1, ${text}`).wrong).toBe(text);
  }
});

it("takes a network in and out", () => {
  expect(toggleRange("", "10.0.0.0/24")).toBe("10.0.0.0/24");
  expect(toggleRange("10.0.0.0/24, 10.0.1.5", "10.0.0.0/24")).toBe("10.0.1.5");
});
