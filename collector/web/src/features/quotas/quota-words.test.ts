import { expect, it } from "vitest";
import { fillOf, parseLimit, share, usage } from "./quota-words";

const of = (used: number | null, limit: number) => ({ used, limit, is_default: false });

it("says how near a tenant is to what it may have", () => {
  expect([of(7, 10), of(8, 10), of(10, 10), of(12, 10)].map(fillOf)).toEqual(["free", "near", "full", "full"]);
  expect(share(of(12, 10))).toBe(1);
});

it("an allowance of nothing is full, and a rate is never", () => {
  expect(fillOf(of(0, 0))).toBe("full");
  expect([fillOf(of(null, 50)), usage(of(null, 50))]).toEqual(["free", "at most 50"]);
});

it("takes an empty field as the default, and no words for numbers", () => {
  expect([" ", "0", "250", "-1", "1e3", "many"].map(parseLimit)).toEqual([null, 0, 250, "wrong", "wrong", "wrong"]);
});
