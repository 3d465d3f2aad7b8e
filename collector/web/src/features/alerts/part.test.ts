import { expect, it } from "vitest";
import { part } from "./part";

it("calls a part as the device does, and by its key where it has no name", () => {
  expect(part({ object: "memory:1", object_name: "Physical memory" })).toBe("Physical memory");
  expect(part({ object: "memory:1", object_name: null })).toBe("memory:1");
  expect(part({ object: "", object_name: null })).toBe("");
});
