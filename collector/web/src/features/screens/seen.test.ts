import { expect, it } from "vitest";
import { seenWords } from "./seen";

const NOW = Date.parse("2026-11-22T12:00:00Z");

it("tells whether a screen shows now", () => {
  const word = (at: string | null) => seenWords(at, NOW).word;
  expect([word(null), word("2026-11-22T11:58:00Z"), word("2026-11-22T09:00:00Z")]).toEqual(["Not opened yet", "Showing now", "Silent for 3 h"]);
  expect(seenWords("2026-11-22T12:00:05Z", NOW).state).toBe("up");
});
