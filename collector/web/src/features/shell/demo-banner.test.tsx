import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { DemoBanner } from "./demo-banner";

afterEach(() => {
  cleanup();
  sessionStorage.clear();
});

it("says how the demo goes away, and goes by a click for as long as the tab is open", () => {
  render(<DemoBanner />);
  expect(screen.getByText("./x demo --remove")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Hide this for now" }));
  expect(document.querySelector("[data-demo-banner]")).toBeNull();
  cleanup();
  render(<DemoBanner />);
  expect(document.querySelector("[data-demo-banner]")).toBeNull();
});
