import { expect, it } from "vitest";
import { isLoss, nothingWords, reasonWords } from "./gap-words";

it("tells of a loss why, and of a failed poll what its cause is called", () => {
  expect(nothingWords("gap_evicted")).toBe("the agent's buffer was full");
  expect(nothingWords("gap_rollback")).toBe(reasonWords("collector_rollback"));
  expect(nothingWords("gap")).toBe("lost for good");
  expect(nothingWords("timeout")).toBe("no answer");
});

it("keeps the name of what it does not know", () => {
  expect(nothingWords("gap_by_flood")).toBe("by flood");
  expect(reasonWords("unknown")).toBe("nobody knows why");
});

it("knows losses from other causes", () => {
  expect(["gap", "gap_crash", "timeout", "gaping", "agent_stopped"].map(isLoss)).toEqual([true, true, false, false, false]);
  expect(nothingWords("agent_stopped")).toBe("the agent was not running");
});
