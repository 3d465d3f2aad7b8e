import { expect, it } from "vitest";
import type { Screen } from "../../lib/types";
import { bodyOf, draftOf, firstDraft, raised, viewWords, withView, wrongOf } from "./screen-draft";

const screen: Screen = {
  id: "scr_1", name: "Hall", shared: false, tenants: [{ id: "ten_a", name: "Alpine" }], every_s: 20, created_at: "", last_used_at: null,
  views: [{ kind: "now", tenant: null, tag: null }, { kind: "fleet", tenant: "ten_a", tag: "core" }],
};

it("sends back what it was opened with", () => {
  const { name, views, every_s } = screen;
  expect(bodyOf(draftOf(screen))).toEqual({ name, tenants: ["ten_a"], views, every_s });
  expect(bodyOf({ ...draftOf(screen), tenants: null }).tenants).toBeNull();
});

it("lets go of a tenant that the screen has no more", () => {
  expect(bodyOf({ ...draftOf(screen), tenants: ["ten_b"] }).views[1]).toEqual({ kind: "fleet", tenant: null, tag: "core" });
});

it("says what is wrong at each field", () => {
  expect(wrongOf(draftOf(screen))).toEqual({});
  expect(Object.keys(wrongOf({ name: " ", tenants: [], views: [], every: "4" }))).toEqual(["name", "tenants", "views", "every_s"]);
  for (const every of ["", "5.5", "3601", "soon"]) expect(wrongOf({ ...draftOf(screen), every }).every_s).toBeTruthy();
});

it("adds the view that is not there yet, and moves one up", () => {
  const draft = firstDraft(null);
  const views = withView(draft);
  expect(views.map(({ kind }) => kind)).toEqual(["now", "sites", "fleet", "alerts"]);
  expect(raised(views, 3).map(({ kind }) => kind)).toEqual(["now", "sites", "alerts", "fleet"]);
  expect(raised(views, 0)).toEqual(views);
  expect(new Set(withView({ views: raised(views, 3) }).map(({ key }) => key)).size).toBe(5);
});

it("tells the views in words", () => {
  expect(viewWords(screen.views, () => "Alpine")).toBe("Now, Fleet of Alpine tagged core");
});
