import { expect, it } from "vitest";
import { added, moved, nameWrong, removed, renamed, saveWrong, shownView, viewPath, VIEWS_MAX, viewsOf } from "./views";

const views = [
  { name: "Down", path: "/fleet?sort=name&state=down" }, { name: "All", path: "/fleet" }, { name: "Firing", path: "/alerts?state=firing" },
];

it("is the same in whatever order the search stands, and whatever row is open", () => {
  expect(viewPath("/fleet?state=down&sort=name")).toBe("/fleet?sort=name&state=down");
  expect(viewPath("/alerts?open=alr_1&kiosk=1")).toBe("/alerts");
  expect(shownView(views, "/fleet?state=down&sort=name")?.name).toBe("Down");
  expect(shownView(views, "/fleet?state=up")).toBeUndefined();
});

it("knows the views of a page", () => {
  expect(viewsOf(views, "/fleet?q=x").map(({ name }) => name)).toEqual(["Down", "All"]);
  expect(viewsOf(views, "/alerts/rules")).toEqual([]);
});

it("adds, renames, moves and removes", () => {
  expect(added(views, " Mine ", "/fleet?q=b&open=x").at(-1)).toEqual({ name: "Mine", path: "/fleet?q=b" });
  expect(renamed(views, "All", "Every").map(({ name }) => name)).toEqual(["Down", "Every", "Firing"]);
  expect(moved(views, "All", "/fleet?q=c")[1]).toEqual({ name: "All", path: "/fleet?q=c" });
  expect(removed(views, "All").map(({ name }) => name)).toEqual(["Down", "Firing"]);
});

it("says what is wrong with a name, and when there are enough", () => {
  expect(nameWrong(views, "  ")).toMatch(/name/);
  expect(nameWrong(views, "x".repeat(61))).toMatch(/60/);
  expect(nameWrong(views, "down")).toMatch(/of that name/);
  expect(nameWrong(views, "down", "Down")).toBeNull();
  expect(saveWrong(views, "/fleet")).toBeNull();
  expect(saveWrong(Array.from({ length: VIEWS_MAX }, (_, n) => ({ name: `${n}`, path: "/fleet" })), "/fleet")).toMatch(/remove one/);
  expect(saveWrong(views, `/fleet?q=${"x".repeat(500)}`)).toMatch(/too long/);
});
