import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import { ScopeContext, scopeOf } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import type { Alert, Rule } from "../../lib/types";
import { RuleSwitch } from "./rule-switch";

const TENANT = { id: "ten_1", name: "Alpine Fibre" };
const RULE = { id: "rul_1", name: "Device down", tenant: TENANT, enabled: true } as Rule;

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  live.reset();
});

function show(role: "tenant_admin" | "viewer" = "tenant_admin") {
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ error: { detail: "It was deleted." }, response: new Response(null, { status: 404 }) } as never);
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  client.setQueryData(meQuery.queryKey, { user: { role, staff: false }, tenants: [] } as never);
  render(
    <QueryClientProvider client={client}>
      <ScopeContext value={scopeOf([{ ...TENANT, role }], undefined)}><RuleSwitch rule={RULE} /></ScopeContext>
    </QueryClientProvider>,
  );
  return patch;
}
const press = () => fireEvent.click(screen.getByRole("switch"));

it("asks first where alerts are open, and where that is not known", () => {
  const patch = show();
  press();
  expect(screen.getByRole("alertdialog").textContent).toContain("The open alerts of it are resolved.");
  cleanup();
  live.alerts.replace([{ id: "alt_1", rule: { id: "rul_1" }, phase: "firing" } as Alert]);
  show();
  press();
  expect(screen.getByRole("alertdialog").textContent).toContain("1 open alert of it is resolved.");
  expect(patch).not.toHaveBeenCalled();
});

it("asks nothing where none is open, and says in full why it was not changed", async () => {
  live.alerts.replace([]);
  const patch = show();
  press();
  await waitFor(() => expect(patch).toHaveBeenCalledOnce());
  expect((await screen.findByRole("alert")).textContent).toBe("Not changed. It was deleted.");
});

it("is no switch for who only looks in the tenant of the rule", () => {
  show("viewer");
  expect(screen.queryByRole("switch")).toBeNull();
});
