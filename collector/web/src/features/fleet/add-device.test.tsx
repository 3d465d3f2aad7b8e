import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { Agent } from "../../lib/types";
import { AddDeviceForm } from "./add-device";

it("asks for a community, then sends the interval with the rest", async () => {
  const ref = (name: string) => ({ id: name, name });
  const agent = { id: "agt_1", name: "box-1", site: ref("Depot"), tenant: ref("Customer"), revoked_at: null };
  live.agents.replace([agent as unknown as Agent]);
  const data = { id: "dev_1" };
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data }, response: new Response() } as never);
  const done = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AddDeviceForm onDone={done} />
    </QueryClientProvider>,
  );
  expect(screen.getByText("Depot · Customer")).toBeTruthy();
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "192.0.2.1" } });
  const submit = screen.getByRole("button", { name: "Add device" });
  fireEvent.click(submit);
  expect(await screen.findByText("A community is needed.")).toBeTruthy();
  expect(post).not.toHaveBeenCalled();
  fireEvent.change(screen.getByLabelText("Community"), { target: { value: "s3cret" } });
  fireEvent.click(submit);
  await waitFor(() => expect(done).toHaveBeenCalledOnce());
  expect(post).toHaveBeenCalledExactlyOnceWith("/api/v1/devices", {
    body: {
      agent: "agt_1", address: "192.0.2.1", interval_s: 60, snmp: { version: "v2c", community: "s3cret" },
    },
  });
});
