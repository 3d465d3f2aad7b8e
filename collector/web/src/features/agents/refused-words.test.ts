import { expect, it } from "vitest";
import { hexLines, refusedLine, refusedWords } from "./refused-words";

it("counts them, as far as they are kept", () => {
  expect([0, 1, 7, 100].map(refusedLine)).toEqual(["", "1 batch refused for good", "7 batches refused for good", "100 or more batches refused for good"]);
});

it("tells why: in words, and in those of the collector", () => {
  expect(refusedWords({ code: "not_yours", detail: "" })).toBe("it is of a device that is not this agent's");
  expect(refusedWords({ code: "malformed", detail: "row 3 has no time" })).toBe("it cannot be read, or breaks a limit: row 3 has no time");
  expect(refusedWords({ code: "too_odd", detail: "" })).toBe("too odd");
});

it("shows bytes by their place, in hex and as text", () => {
  expect(hexLines(btoa("Farwatch\u0000\u00ff and on"))).toBe(
    "0000  46 61 72 77 61 74 63 68 00 ff 20 61 6e 64 20 6f  Farwatch.. and o\n0010  6e                                               n",
  );
  expect(hexLines("")).toBe("");
});
