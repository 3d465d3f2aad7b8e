import type { AnyRouter } from "@tanstack/react-router";
import { expect, it } from "vitest";
import { forgetPlaces } from "../../lib/last-place";
import { labelOf, watchWayBack, wayBack } from "./way-back";

interface Moved {
  fromLocation?: { pathname: string; href: string };
  toLocation: { pathname: string };
}

it("leads back to what the device was opened from, and to the fleet by itself", () => {
  let move: (moved: Moved) => void = () => {};
  watchWayBack({ subscribe: (_: string, listener: typeof move) => (move = listener) } as unknown as AnyRouter);
  const at = (pathname: string, search = "") => ({ pathname, href: pathname + search });
  expect(wayBack()).toEqual({ href: "/fleet", label: "the fleet" });
  move({ fromLocation: at("/", "?open=a"), toLocation: at("/devices/1") });
  expect(wayBack()).toEqual({ href: "/?open=a", label: "Now" });
  // From tab to tab, from device to device, from where one does not return to, and to another page.
  move({ fromLocation: at("/devices/1"), toLocation: at("/devices/2") });
  move({ fromLocation: at("/settings/account"), toLocation: at("/devices/2") });
  move({ fromLocation: at("/sites"), toLocation: at("/agents") });
  move({ toLocation: at("/devices/2") });
  expect(wayBack().label).toBe("Now");
  move({ fromLocation: at("/sites/sit_1"), toLocation: at("/devices/2") });
  expect(wayBack()).toEqual({ href: "/sites/sit_1", label: "the site" });
  forgetPlaces();
  expect(wayBack().label).toBe("the fleet");
});

it("tells an alert from its rules", () => {
  expect([labelOf("/alerts/alt_1"), labelOf("/alerts"), labelOf("/alerts/rules/1"), labelOf("/login")]).toEqual(["the alert", "the alerts", null, null]);
});
