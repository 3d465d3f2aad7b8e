import { fireEvent, renderHook } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { setKeysEnabled } from "./keys";
import { useKeys } from "./use-keys";

it("switches off single characters only: Escape still goes back", () => {
  const bindings = { j: vi.fn(), "g f": vi.fn(), Escape: vi.fn() };
  renderHook(() => useKeys(bindings));
  setKeysEnabled(false);
  for (const key of ["j", "g", "f", "Escape"]) fireEvent.keyDown(document.body, { key });
  expect(bindings.j).not.toHaveBeenCalled();
  expect(bindings["g f"]).not.toHaveBeenCalled();
  expect(bindings.Escape).toHaveBeenCalledOnce();
  setKeysEnabled(true);
  fireEvent.keyDown(document.body, { key: "j" });
  expect(bindings.j).toHaveBeenCalledOnce();
});
