/** Parts of the app that are not in the first load, fetched before they are needed. */
import type { AnyRouter } from "@tanstack/react-router";

/** Dialogs and controls that open on a click. */
const PARTS: readonly (() => Promise<unknown>)[] = [
  () => import("./key-help"),
  () => import("../palette/palette"),
  () => import("../views/view-menu"),
  () => import("../fleet/column-list"),
  () => import("../../ui/confirm"),
  () => import("./account-menu"),
  () => import("../../ui/picker"),
  () => import("../../ui/chooser"),
  () => import("./more-sheet"),
  () => import("../now/incident-panel"),
  () => import("../sites/site-panel"),
  () => import("../sites/change-site"),
  () => import("../fleet/device-panel"),
  () => import("../fleet/add-device"),
  () => import("../fleet/bulk-bar"),
  () => import("../device/edit-device"),
  () => import("../device/overview-tab"),
  () => import("../device/interfaces-tab"),
  () => import("../device/metrics-tab"),
  () => import("../device/events-tab"),
  () => import("../charts/range-picker"),
  () => import("../config/device-config"),
  () => import("../config/diff-view"),
  () => import("../config/whole-text"),
  () => import("../agents/new-agent"),
  () => import("../agents/agent-panel"),
  () => import("../alerts/act-dialog"),
  () => import("../alerts/evidence-chart"),
  () => import("../alerts/device-chart"),
  () => import("../alerts/alert-panel"),
  () => import("../alerts/open-list"),
  () => import("../setup/first-chart"),
];

/** Fetches all of it, one after the other: what fails is fetched again when it is needed. */
export async function loadParts(
  { routesById, loadRouteChunk }: Pick<AnyRouter, "routesById" | "loadRouteChunk">,
  parts = PARTS,
): Promise<void> {
  const routes = Object.values(routesById).map((route) => async () => loadRouteChunk(route));
  for (const load of [...routes, ...parts]) {
    // In the background: a page that is opened meanwhile comes first.
    // oxlint-disable-next-line no-await-in-loop
    await load().catch(() => {});
  }
}

/** A page that is left open must work on when the collector is gone: all of it is fetched soon. */
export function loadPartsWhenIdle(router: AnyRouter): void {
  const stop = router.subscribe("onResolved", () => {
    stop();
    // Not in every browser.
    const idle = globalThis.requestIdleCallback ?? setTimeout;
    idle(() => void loadParts(router));
  });
}
