import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { Agent, Device } from "../../lib/types";
import { BulkPanel } from "./bulk-panel";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const ref = (name: string) => ({ id: name, name });
const device = (id: string, tenant: string) =>
  ({ id, name: id, address: id, tags: [], tenant: ref(tenant), site: ref("Depot"), agent: ref("old") }) as unknown as Device;
const agent = (id: string, tenant: string, revoked_at: string | null = null) =>
  ({ id, name: id, tenant: ref(tenant), site: ref("Depot"), revoked_at }) as unknown as Agent;

function show(...ids: string[]) {
  vi.spyOn(live, "ensureDevices").mockImplementation(() => {});
  vi.spyOn(live, "ensureAgents").mockImplementation(() => {});
  live.devices.replace([device("dev_1", "North"), device("dev_2", "North"), device("dev_3", "South")]);
  live.agents.replace([agent("new", "North"), agent("old", "North", "2026-11-21T12:00:00Z"), agent("far", "South")]);
  const done = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <BulkPanel open ids={ids} onClose={() => {}} onDone={done} />
    </QueryClientProvider>,
  );
  return done;
}

function moveTo(name: string) {
  fireEvent.keyDown(screen.getByLabelText("Move to agent", { selector: "button" }), { key: "Enter" });
  const list = screen.getByRole("listbox");
  expect(within(list).queryByText("old")).toBeNull();
  expect(within(list).queryByText("far")).toBeNull();
  fireEvent.keyDown(within(list).getByText(name).closest("[role=option]") as Element, { key: "Enter" });
  const submit = screen.getByRole("button", { name: "Change 2 devices…" });
  submit.focus();
  fireEvent.click(submit);
  expect(screen.getByRole("alertdialog").textContent).toContain(`Moved to ${name}`);
  fireEvent.click(screen.getByRole("button", { name: "Change 2 devices" }));
}

it("moves devices to another agent of their tenant that is not revoked", async () => {
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data: { devices: 2 } }, response: new Response() } as never);
  const done = show("dev_1", "dev_2");
  moveTo("new");
  await waitFor(() => expect(done).toHaveBeenCalledOnce());
  expect(post).toHaveBeenCalledWith("/api/v1/devices/bulk", { body: { ids: ["dev_1", "dev_2"], change: { agent: "new" } } });
});

it("goes back to the field that the server refuses, a 404 as well", async () => {
  const error = { code: "not_found", detail: "There is no such agent here.",
    errors: [{ field: "change.agent", message: "names nothing that is here" }] };
  vi.spyOn(api, "POST").mockResolvedValue({ error, response: new Response(null, { status: 404 }) } as never);
  const done = show("dev_1", "dev_2");
  moveTo("new");
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  expect(document.querySelector("[data-field-error=bulk-agent]")?.textContent).toBe("names nothing that is here");
  await waitFor(() => expect(document.activeElement?.id).toBe("bulk-agent"));
  expect(done).not.toHaveBeenCalled();
});

it("moves none of several tenants", () => {
  show("dev_1", "dev_3");
  expect(screen.queryByLabelText("Move to agent")).toBeNull();
  expect(screen.getByText(/of several tenants/)).toBeTruthy();
});

it("refuses a delay that is none, and sends one that is", async () => {
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data: { devices: 2 } }, response: new Response() } as never);
  const done = show("dev_1", "dev_2");
  const delay = screen.getByLabelText("Delay between requests");
  fireEvent.change(delay, { target: { value: "2000" } });
  fireEvent.click(screen.getByRole("button", { name: "Change 2 devices…" }));
  expect(screen.getByText("It must be 0 to 1000 milliseconds.")).toBeTruthy();
  fireEvent.change(delay, { target: { value: "20" } });
  fireEvent.click(screen.getByRole("button", { name: "Change 2 devices…" }));
  expect(screen.getByRole("alertdialog").textContent).toContain("20 ms delay");
  fireEvent.click(screen.getByRole("button", { name: "Change 2 devices" }));
  await waitFor(() => expect(done).toHaveBeenCalledOnce());
  expect(post.mock.calls[0]?.[1]).toEqual({ body: { ids: ["dev_1", "dev_2"], change: { request_gap_ms: 20 } } });
});
