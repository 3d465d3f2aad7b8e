import { expect, it } from "vitest";
import { stepsOf } from "./version-steps";

const ROWS = ["cfg_3", "cfg_2", "cfg_1"].map((id) => ({ id }));

it("leads to the version before and to the one after", () => {
  expect(stepsOf("cfg_2", ROWS, null)).toEqual({ older: "cfg_1", newer: "cfg_3" });
  expect(stepsOf("cfg_3", ROWS, null)).toEqual({ older: "cfg_2", newer: null });
  expect(stepsOf("cfg_1", ROWS, null)).toEqual({ older: null, newer: "cfg_2" });
});

it("knows the one before from the server, where the list does not reach", () => {
  expect(stepsOf("cfg_1", ROWS, "cfg_0")).toEqual({ older: "cfg_0", newer: "cfg_2" });
  expect(stepsOf("cfg_9", ROWS, "cfg_8")).toEqual({ older: "cfg_8", newer: null });
  expect(stepsOf("cfg_9", [], null)).toEqual({ older: null, newer: null });
});
