import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { MoreMenu } from "./more-menu";

afterEach(cleanup);

it("opens, does what is chosen, and is closed then", async () => {
  const remove = vi.fn<() => void>();
  render(<MoreMenu label="More of it" acts={[{ label: "Remove…", onAct: remove, isDanger: true }]} />);
  expect(screen.queryByText("Remove…")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "More of it" }));
  fireEvent.click(await screen.findByText("Remove…"));
  expect(remove).toHaveBeenCalledOnce();
  expect(screen.queryByText("Remove…")).toBeNull();
});

it("is not there where there is nothing to do", () => {
  const { container } = render(<MoreMenu label="More of it" acts={[]} />);
  expect(container.innerHTML).toBe("");
});
