import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import { ScopeContext, scopeOf } from "../../lib/scope";
import { meQuery } from "../../lib/session";
import type { Agent } from "../../lib/types";
import { AddDeviceForm } from "./add-device";

/** Connected. */
const HERE = { state: "up", last_seen_at: new Date().toISOString() };

const ref = (name: string) => ({ id: name, name });
/** One agent where this person may add devices, and one where they only look: there is nothing to choose. */
const AGENTS = [["agt_1", "Customer"], ["agt_2", "Looked at"]].map(([id, tenant]) =>
  Object.assign({ id, name: id, site: ref("Depot"), tenant: ref(tenant ?? ""), revoked_at: null }, HERE) as unknown as Agent);

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function show(onDone: () => void) {
  live.agents.replace(AGENTS);
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  queries.setQueryData(meQuery.queryKey, { user: { role: "operator", staff: false }, tenants: [] } as never);
  const scope = scopeOf([{ ...ref("Customer"), role: "operator" }, { ...ref("Looked at"), role: "viewer" }], undefined);
  render(<QueryClientProvider client={queries}><ScopeContext value={scope}><AddDeviceForm onDone={onDone} /></ScopeContext></QueryClientProvider>);
}

/** Fills the form, sends it, and returns what was sent. */
async function sent(fields: Readonly<Record<string, string>>): Promise<unknown> {
  const data = { id: "dev_1", tags: [] };
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data }, response: new Response() } as never);
  const done = vi.fn();
  show(done);
  expect(screen.getByText("Depot · Customer")).toBeTruthy();
  for (const [label, value] of Object.entries(fields)) {
    fireEvent.change(screen.getByLabelText(label), { target: { value } });
    fireEvent.blur(screen.getByLabelText(label));
  }
  fireEvent.click(screen.getByRole("button", { name: "Add device" }));
  await waitFor(() => expect(done).toHaveBeenCalledOnce());
  return post.mock.calls[0]?.[1];
}

it("sends the interval with the rest, and the tags that were typed", async () => {
  expect(await sent({ Address: "192.0.2.1", Community: "s3cret", Tags: "core" })).toEqual({
    body: {
      agent: "agt_1", address: "192.0.2.1", interval_s: 60, snmp: { version: "v2c", community: "s3cret" }, tags: ["core"],
    },
  });
});

it("leaves the community to a credential profile where none is typed", async () => {
  expect(await sent({ Address: "192.0.2.1" })).toEqual({
    body: { agent: "agt_1", address: "192.0.2.1", interval_s: 60, snmp: { version: "v2c" } },
  });
});

it("adds a device that nothing is known of but its address, with its options", async () => {
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data: { id: "dev_1", tags: [] } }, response: new Response() } as never);
  show(() => {});
  expect(screen.getByText(/only pinged/)).toBeTruthy();
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.7" } });
  fireEvent.change(screen.getByLabelText("Delay between requests"), { target: { value: "2000" } });
  fireEvent.click(screen.getByRole("button", { name: "Add device" }));
  expect(screen.getByText("It must be 0 to 1000 milliseconds.")).toBeTruthy();
  expect(post).not.toHaveBeenCalled();
  fireEvent.change(screen.getByLabelText("Delay between requests"), { target: { value: "20" } });
  fireEvent.click(screen.getByRole("button", { name: "Add device" }));
  await waitFor(() => expect(post).toHaveBeenCalledOnce());
  expect(post.mock.calls[0]?.[1]).toEqual({
    body: { agent: "agt_1", address: "192.0.2.7", interval_s: 60, snmp: { version: "v2c" }, request_gap_ms: 20 },
  });
});
