import { expect, it } from "vitest";
import { changeOf, deviceCount, linesOf } from "./bulk";

const nothing = { interval: "", add: [], remove: [], credential: "stay", community: "left in the field" } as const;

it("sends only what is to change", () => {
  expect(changeOf(nothing)).toEqual({});
  expect(changeOf({ ...nothing, interval: "30", add: ["core"] })).toEqual({ interval_s: 30, add_tags: ["core"] });
});

it("takes a community away by null, and leaves it alone by nothing", () => {
  expect(changeOf({ ...nothing, credential: "profile" })).toEqual({ community: null });
  expect(changeOf({ ...nothing, credential: "own", community: "s3cret" })).toEqual({ community: "s3cret" });
});

it("says what will be done, and never the secret", () => {
  const lines = linesOf({ interval_s: 30, add_tags: ["a", "b"], remove_tags: ["c"], community: "s3cret" });
  expect(lines).toHaveLength(4);
  expect(lines.join()).not.toContain("s3cret");
  expect([deviceCount(1), deviceCount(3)]).toEqual(["1 device", "3 devices"]);
});
