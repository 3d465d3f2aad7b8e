import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import type { Beside } from "../../lib/use-beside";
import { IncidentList } from "./incident-list";
import type { Now } from "./use-now";

afterEach(cleanup);

const WELL = {
  isKnown: true, isDiskFull: false, ids: [], incidents: new Map(), hidden: 0, hold: () => {}, devices: 3, sites: [{}], counts: { up: 3 }, sampledAt: null,
} as unknown as Now;
const show = (more: Partial<Now>) => render(<IncidentList now={{ ...WELL, ...more }} beside={{} as Beside} />);

it("says that all is well while all is", () => {
  show({});
  expect(screen.getByText("All is well")).toBeTruthy();
  expect(document.querySelector("[data-disk-full]")).toBeNull();
});

it("does not while the collector stores nothing, and says what to do", () => {
  show({ isDiskFull: true });
  expect(screen.queryByText("All is well")).toBeNull();
  expect(document.querySelector("[data-disk-full]")?.textContent).toMatch(/disk is full.*makes the disk larger.*«A full disk»/);
});

it("does not wait with it for what is loading", () => {
  show({ isDiskFull: true, isKnown: false });
  expect(document.querySelector("[data-disk-full]")).not.toBeNull();
});
