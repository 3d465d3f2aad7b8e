import { expect, it } from "vitest";
import { addTags, tagsOf } from "./tags";

it("takes what is typed, several at once, each once", () => {
  expect(addTags(["core"], " edge, core ,, north ")).toEqual(["core", "edge", "north"]);
  expect(addTags(["core"], " IOS, C29* ", false)).toEqual(["core", "IOS, C29*"]);
});

it("lists what is in use, in the order people count", () => {
  expect(tagsOf([{ tags: ["pop10", "core"] }, { tags: ["pop2", "core"] }])).toEqual(["core", "pop2", "pop10"]);
});
