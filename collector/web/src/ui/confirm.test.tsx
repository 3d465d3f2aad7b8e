import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { Confirm } from "./confirm";

it("names what is lost, and waits for the name of what would cost much", () => {
  const onConfirm = vi.fn();
  render(
    <Confirm open onOpenChange={() => {}} title="Revoke box-1?" action="Revoke" busy={false} error={null}
      loses={["40 devices"]} typed="box-1" onConfirm={onConfirm}>
      At once.
    </Confirm>,
  );
  expect(screen.getByRole("list", { name: "What is lost" }).textContent).toContain("40 devices");
  const button = screen.getByRole("button", { name: "Revoke" });
  fireEvent.click(button);
  expect(onConfirm).not.toHaveBeenCalled();
  fireEvent.change(screen.getByLabelText("Type «box-1» to go on"), { target: { value: "box-1" } });
  fireEvent.click(button);
  expect(onConfirm).toHaveBeenCalledOnce();
});
