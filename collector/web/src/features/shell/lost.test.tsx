import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { Crash } from "./lost";

it("stays and says so when a part is asked for and nobody answers", async () => {
  vi.stubGlobal("fetch", vi.fn<() => Promise<Response>>().mockRejectedValue(new TypeError("Failed to fetch")));
  const error = new TypeError("error loading dynamically imported module: /assets/agents.js");
  render(<Crash error={error} reset={() => {}} />);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText(/does not answer/)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Try again" }).hasAttribute("disabled")).toBe(false);
});
