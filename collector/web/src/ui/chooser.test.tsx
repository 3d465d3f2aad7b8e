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

it("finds by what stands behind the label, and by words that stand nowhere", () => {
  const loss = { value: "loss", label: "Lost", detail: "icmp_loss_percent", words: "ping" };
  render(<Chooser label="Value" anchor={createRef<HTMLButtonElement>()} options={[...options, loss]} value="" onChoose={vi.fn()} onClose={vi.fn()} />);
  for (const value of ["icmp", "ping lost"]) {
    fireEvent.change(screen.getByRole("combobox"), { target: { value } });
    expect(screen.getAllByRole("option").map((one) => one.textContent)).toEqual(["Losticmp_loss_percent"]);
  }
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
