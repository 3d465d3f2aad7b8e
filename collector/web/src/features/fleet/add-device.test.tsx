import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { Agent } from "../../lib/types";
import { AddDeviceForm } from "./add-device";

/** Connected. */
const HERE = { state: "up", last_seen_at: new Date().toISOString() };

afterEach(cleanup);

/** Fills the form, sends it, and returns what was sent. */
async function sent(fields: Readonly<Record<string, string>>): Promise<unknown> {
  const ref = (name: string) => ({ id: name, name });
  const agent = { id: "agt_1", name: "box-1", site: ref("Depot"), tenant: ref("Customer"), revoked_at: null, ...HERE };
  live.agents.replace([agent as unknown as Agent]);
  const data = { id: "dev_1", tags: [] };
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data }, response: new Response() } as never);
  const done = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AddDeviceForm onDone={done} />
    </QueryClientProvider>,
  );
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
  cleanup();
  vi.restoreAllMocks();
  const agent = { id: "agt_1", name: "box-1", site: { id: "s", name: "Depot" }, tenant: { id: "t", name: "C" }, revoked_at: null, ...HERE };
  live.agents.replace([agent as unknown as Agent]);
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data: { id: "dev_1", tags: [] } }, response: new Response() } as never);
  render(<QueryClientProvider client={new QueryClient()}><AddDeviceForm onDone={() => {}} /></QueryClientProvider>);
  expect(screen.getByText(/watched by echo requests alone/)).toBeTruthy();
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.7" } });
  fireEvent.change(screen.getByLabelText("Pause between two questions"), { target: { value: "2000" } });
  fireEvent.click(screen.getByRole("button", { name: "Add device" }));
  expect(screen.getByText("It must be 0 to 1000 milliseconds.")).toBeTruthy();
  expect(post).not.toHaveBeenCalled();
  fireEvent.change(screen.getByLabelText("Pause between two questions"), { target: { value: "20" } });
  fireEvent.click(screen.getByRole("button", { name: "Add device" }));
  await waitFor(() => expect(post).toHaveBeenCalledOnce());
  expect(post.mock.calls[0]?.[1]).toEqual({
    body: { agent: "agt_1", address: "192.0.2.7", interval_s: 60, snmp: { version: "v2c" }, request_gap_ms: 20 },
  });
});
