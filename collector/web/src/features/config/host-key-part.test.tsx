import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { HostKeyPart } from "./host-key-part";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const OLD = "SHA256:old";
const NEW = "SHA256:new";
const keys = { host_key: OLD, host_key_at: "2026-01-01T00:00:00Z", other_key: NEW, other_key_at: "2026-02-01T00:00:00Z" };

function show(backup: Parameters<typeof HostKeyPart>[0]["backup"], canPin = true) {
  render(<QueryClientProvider client={new QueryClient()}><HostKeyPart device="dev_1" name="core-1" backup={backup} canPin={canPin} /></QueryClientProvider>);
}

it("pins the key that is shown, after a question that shows both", async () => {
  const post = vi.spyOn(api, "POST").mockResolvedValue({ data: { data: {} }, response: new Response() } as never);
  show(keys);
  fireEvent.click(screen.getByRole("button", { name: "Compare and pin…" }));
  const dialog = screen.getByRole("alertdialog", { name: "Pin the new host key of core-1?" });
  expect(within(dialog).getByText(OLD)).toBeTruthy();
  expect(within(dialog).getByText(NEW)).toBeTruthy();
  expect(post).not.toHaveBeenCalled();
  fireEvent.click(within(dialog).getByRole("button", { name: "Pin the new key" }));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  expect(post.mock.calls[0]).toEqual(["/api/v1/devices/{id}/backup/host-key", { params: { path: { id: "dev_1" } }, body: { host_key: NEW } }]);
});

it("says nothing of a key that did not change, and offers nothing to who may not pin", () => {
  show({ ...keys, other_key: null, other_key_at: null });
  expect(screen.queryByRole("alert")).toBeNull();
  cleanup();
  show(keys, false);
  expect(screen.getByRole("alert").textContent).toContain(NEW);
  expect(screen.queryByRole("button")).toBeNull();
});
