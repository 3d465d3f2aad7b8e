import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { live } from "../../lib/live-app";
import { ScopeContext, scopeOf } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import type { Agent } from "../../lib/types";
import { FleetEmpty } from "./fleet-empty";

it("leads to the first agent by one button, and keeps its dialog when the agent comes", async () => {
  live.agents.replace([]);
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } } });
  queries.setQueryData(meQuery.queryKey, { user: { role: "operator" }, tenants: [] } as never);
  queries.setQueryData(["sites"], []);
  const { container } = render(
    <QueryClientProvider client={queries}>
      <ScopeContext value={scopeOf([{ id: "ten_1", name: "North", role: "operator" }], undefined)}><FleetEmpty onAdd={() => {}} /></ScopeContext>
    </QueryClientProvider>,
  );
  expect(container.querySelector("code")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "New agent" }));
  expect(await screen.findByRole("dialog", { name: "New agent" })).toBeTruthy();
  act(() => live.agents.replace([{ id: "agt_1", name: "box-1" } as Agent]));
  expect(screen.getByText("No devices yet")).toBeTruthy();
  expect(screen.getByRole("dialog", { name: "New agent" })).toBeTruthy();
});
