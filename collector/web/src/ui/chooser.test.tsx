import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { createRef } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { Chooser } from "./chooser";

const options = ["All tenants", "Alpine Fibre", "Borealis Net"].map((label) => ({ value: label, label }));

function open() {
  const [onChoose, onClose] = [vi.fn(), vi.fn()];
  render(
    <Chooser label="Tenant" anchor={createRef<HTMLButtonElement>()} options={options} value="All tenants"
      onChoose={onChoose} onClose={onClose} />,
  );
  return { input: screen.getByRole("combobox"), onChoose, onClose };
}
const active = (input: HTMLElement) =>
  document.getElementById(input.getAttribute("aria-activedescendant") ?? "")?.textContent;

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

it("chooses by arrows and Enter", () => {
  const { input, onChoose } = open();
  expect(active(input)).toBe("All tenants");
  fireEvent.keyDown(input, { key: "ArrowDown" });
  fireEvent.keyDown(input, { key: "ArrowDown" });
  expect(active(input)).toBe("Borealis Net");
  fireEvent.keyDown(input, { key: "Enter" });
  expect(onChoose).toHaveBeenCalledExactlyOnceWith("Borealis Net");
});

it("finds by part of a name, and says when there is none", () => {
  const { input, onChoose } = open();
  fireEvent.change(input, { target: { value: "fib" } });
  expect(screen.getAllByRole("option")).toHaveLength(1);
  fireEvent.change(input, { target: { value: "nobody" } });
  expect(screen.getByRole("status").textContent).toBe("None is called so.");
  fireEvent.keyDown(input, { key: "Enter" });
  expect(onChoose).not.toHaveBeenCalled();
});

it("closes by Esc", () => {
  const { input, onClose } = open();
  fireEvent.keyDown(input, { key: "Escape" });
  expect(onClose).toHaveBeenCalledOnce();
});

it("takes it that a browser answers a wish to scroll with a promise", () => {
  vi.spyOn(Element.prototype, "scrollIntoView").mockReturnValue(Promise.resolve() as never);
  const { input } = open();
  fireEvent.keyDown(input, { key: "ArrowDown" });
  expect(active(input)).toBe("Alpine Fibre");
});
