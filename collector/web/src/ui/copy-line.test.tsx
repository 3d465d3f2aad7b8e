import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { CopyLine } from "./copy-line";

it("marks the text and says so where the page may not copy", async () => {
  Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true });
  render(<CopyLine label="Copy the key" text="fwk_abc" />);
  fireEvent.click(screen.getByRole("button", { name: "Copy the key" }));
  await screen.findByText(/copy it with Ctrl\+C/);
  expect(String(getSelection())).toBe("fwk_abc");
});
