import { expect, it } from "vitest";
import { adviceAfter } from "./advice";

it("makes a sentence of a clause, and says nothing twice", () => {
  expect(adviceAfter("unknown user", "it has no such user; check the user's name")).toBe("It has no such user; check the user's name.");
  expect(adviceAfter("no answer", "no answer; check the address")).toBe("Check the address.");
  expect(adviceAfter("no answer", "No answer.")).toBe("");
  expect(adviceAfter("unreachable", "Is there a route?")).toBe("Is there a route?");
});
