import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { useDiskFull } from "../../lib/use-disk";
import { Calm, DiskFull } from "./calm";

vi.mock("../../lib/use-disk", () => ({ useDiskFull: vi.fn() }));

afterEach(cleanup);

function show(isFull: boolean) {
  vi.mocked(useDiskFull).mockReturnValue(isFull);
  render(<><DiskFull /><Calm devices={3} sites={1} /></>);
}

it("tells from the door that all is well", () => {
  show(false);
  expect(screen.getByText("3 devices at 1 site: all up")).toBeTruthy();
  expect(screen.queryByRole("alert")).toBeNull();
});

it("is not calm while nothing new is stored", () => {
  show(true);
  expect(screen.getByRole("alert").textContent).toMatch(/disk is full/);
  expect(screen.queryByText(/all up$/)).toBeNull();
  expect(document.querySelector("[data-wall-calm]")).toBeNull();
});
