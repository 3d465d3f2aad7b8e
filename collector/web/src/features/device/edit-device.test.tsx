import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { DeviceDetail } from "../../lib/types";
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
