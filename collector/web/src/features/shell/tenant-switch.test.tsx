import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { ScopeContext, scopeOf } from "../../lib/scope";
import { TenantSwitch } from "./tenant-switch";

const alpine = { id: "ten_a", name: "Alpine" };
const borealis = { id: "ten_b", name: "Borealis" };

function show(tenants: readonly { id: string; name: string; demo?: boolean }[], chosen?: string) {
  const onChange = vi.fn();
  render(
    <ScopeContext value={scopeOf(tenants, chosen)}>
      <TenantSwitch onChange={onChange} />
    </ScopeContext>,
  );
  return onChange;
}

afterEach(cleanup);

it("only tells the name to who sees one tenant", () => {
  show([alpine]);
  expect(screen.getByText("Alpine")).toBeTruthy();
  fireEvent.keyDown(document.body, { key: "T" });
  expect(document.querySelector("button, [role=combobox]")).toBeNull();
});

it("marks a tenant of the demo", () => {
  show([{ ...alpine, demo: true }, borealis], alpine.id);
  expect(screen.getByText("Demo")).toBeTruthy();
  cleanup();
  show([{ ...alpine, demo: true }, borealis], borealis.id);
  expect(screen.queryByText("Demo")).toBeNull();
});

it("opens by its key and narrows to what is chosen", async () => {
  const onChange = show([alpine, borealis]);
  expect(screen.getByRole("button", { name: "Tenant: All tenants" })).toBeTruthy();
  fireEvent.keyDown(document.body, { key: "T" });
  fireEvent.change(await screen.findByRole("combobox"), { target: { value: "bor" } });
  fireEvent.keyDown(screen.getByRole("combobox"), { key: "Enter" });
  expect(onChange).toHaveBeenCalledExactlyOnceWith("ten_b");
  expect(screen.queryByRole("combobox")).toBeNull();
});

it("leads back to all of them", async () => {
  const onChange = show([alpine, borealis], "ten_a");
  fireEvent.click(screen.getByRole("button", { name: "Tenant: Alpine" }));
  fireEvent.click(await screen.findByRole("option", { name: "All tenants" }));
  expect(onChange).toHaveBeenCalledExactlyOnceWith(null);
});
