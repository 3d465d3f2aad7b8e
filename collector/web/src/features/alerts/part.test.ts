import { expect, it } from "vitest";
import { part, untoldPart } from "./part";

it("calls a part as the device does, and by its key where it has no name", () => {
  expect(part({ object: "memory:1", object_name: "Physical memory" })).toBe("Physical memory");
  expect(part({ object: "memory:1", object_name: null })).toBe("memory:1");
  expect(part({ object: "", object_name: null })).toBe("");
});

it("tells a part only where the line does not, also one that is called like a piece of another name", () => {
  const port = { object: "if:1", object_name: "1" };
  expect(untoldPart(port, "1 of core-1 is down, and was up")).toBeNull();
  expect(untoldPart(port, "core-1 is down: no answer")).toBe("1");
  expect(untoldPart({ object: "storage:4", object_name: "/" }, "disk / of core-1: storage used is 97 % (limit 95 %)")).toBeNull();
  expect(untoldPart({ object: "", object_name: null }, "core-1 is down")).toBeNull();
});
