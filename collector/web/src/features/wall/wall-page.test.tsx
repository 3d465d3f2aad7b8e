import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { useWall } from "./use-wall";
import { WallPage } from "./wall-page";

vi.mock("./use-wall", () => ({ useWall: vi.fn() }));

afterEach(cleanup);

function removed(name: string | null) {
  const wall = { name, tenants: [], views: [], every_s: 30, version: "1" };
  vi.mocked(useWall).mockReturnValue({ phase: "removed", wall, error: null, enter: () => {}, isEntering: false });
  render(<WallPage theme="dark" />);
}

it("says of a preview that one is signed out, and leads to the sign-in", () => {
  removed(null);
  expect(screen.getByRole("heading").textContent).toBe("You are signed out");
  expect(screen.getByRole("link").getAttribute("href")).toBe("/login?next=%2Fwall");
});

it("says of a screen that it was removed", () => {
  removed("Hall");
  expect(screen.getByRole("heading").textContent).toBe("This screen was removed");
});
