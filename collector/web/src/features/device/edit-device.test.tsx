import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import { meQuery } from "../../lib/session";
import type { DeviceDetail, Me } from "../../lib/types";
import { EditDevice } from "./edit-device";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const ref = (name: string) => ({ id: name, name });
const opened = {
  id: "dev_1", name: "r1", address: "192.0.2.1", agent: ref("box-1"), site: ref("Depot"), tenant: ref("North"), interval_s: 60, tags: ["core"],
  snmp: { version: "v2c", credential: "own", profile: null, kind: "snmp_community", user: null, damaged: false },
  ping: true, strict_source: false, request_gap_ms: 0, missing: [],
} as unknown as DeviceDetail;

it("keeps what is typed on the other page, also when one of them is saved", async () => {
  vi.spyOn(live, "ensureAgents").mockImplementation(() => {});
  const backup = { login: null, port: 22, effective: { enabled: true } };
  vi.spyOn(api, "GET").mockImplementation((async (path: string) => ({ data: { data: path.endsWith("/backup") ? backup : [] }, response: new Response() })) as never);
  const patch = vi.spyOn(api, "PATCH").mockImplementation((async (path: string) => ({ data: { data: path.endsWith("/backup") ? backup : opened }, response: new Response() })) as never);
  const close = vi.fn<() => void>();
  const queries = new QueryClient();
  queries.setQueryData(meQuery.queryKey, { user: { id: "usr_1", role: "super_admin", staff: false }, tenants: [] } as unknown as Me);
  render(<QueryClientProvider client={queries}><EditDevice open detail={opened} onClose={close} /></QueryClientProvider>);

  fireEvent.click(screen.getByText("SSH login"));
  fireEvent.change(await screen.findByLabelText("User"), { target: { value: "backup" } });
  fireEvent.click(screen.getByText("Device and SNMP"));
  expect(screen.getByLabelText<HTMLInputElement>("User").value).toBe("backup");
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.2" } });
  fireEvent.click(screen.getAllByRole("button", { name: "Save" })[0] as HTMLElement);

  expect(await screen.findByText(/«Device and SNMP» is saved/)).toBeTruthy();
  expect(close).not.toHaveBeenCalled();
  expect(screen.getByLabelText<HTMLInputElement>("User").value).toBe("backup");
  fireEvent.change(screen.getByLabelText("Password"), { target: { value: "a word" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(close).toHaveBeenCalledOnce());
  expect(patch.mock.calls.map(([path]) => path)).toEqual(["/api/v1/devices/{id}", "/api/v1/devices/{id}/backup"]);
});

it("sends what was changed in the form, and nothing that somebody else changed meanwhile", async () => {
  vi.spyOn(live, "ensureAgents").mockImplementation(() => {});
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ data: { data: opened }, response: new Response() } as never);
  const form = (detail: DeviceDetail) => (
    <QueryClientProvider client={new QueryClient()}><EditDevice open detail={detail} onClose={() => {}} /></QueryClientProvider>
  );
  const page = render(form(opened));
  page.rerender(form({ ...opened, name: "theirs", interval_s: 10, tags: ["core", "theirs"], ping: false }));
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.2" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(patch).toHaveBeenCalledOnce());
  expect(patch.mock.calls[0]?.[1]).toEqual({ params: { path: { id: "dev_1" } }, body: { address: "192.0.2.2" } });
});
