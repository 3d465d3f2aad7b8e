import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { LoginForm } from "./own-login";
import type { Backup } from "./types";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const ON = { enabled: true, why: "policy" };

it("sends a login whole, and nothing before it is one", async () => {
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ data: { data: {} }, response: new Response() } as never);
  const onDone = vi.fn();
  const login = { from: "profile", profile: { id: "crd_1", name: "Core" }, user: "of-the-profile", has_password: true, has_key: false, has_enable: false };
  render(<QueryClientProvider client={new QueryClient()}><LoginForm device="dev_1" name="core-1" backup={{ login, port: 22, effective: ON } as Backup} onSaved={onDone} onCancel={onDone} /></QueryClientProvider>);
  // The user of a profile is the profile's.
  expect((screen.getByLabelText("User") as HTMLInputElement).value).toBe("");
  fireEvent.change(screen.getByLabelText("User"), { target: { value: "ops" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(screen.getByText("A password or a private key is needed.")).toBeTruthy();
  expect(patch).not.toHaveBeenCalled();
  fireEvent.change(screen.getByLabelText("Password"), { target: { value: "secret" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(patch.mock.calls[0]?.[1]).toEqual({ params: { path: { id: "dev_1" } }, body: { login: { user: "ops", password: "secret" } } });
});

const OWN = { from: "device", profile: null, user: "ops", has_password: true, has_key: false, has_enable: false };

function show(backup: object) {
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ data: { data: {} }, response: new Response() } as never);
  const onDone = vi.fn();
  render(<QueryClientProvider client={new QueryClient()}><LoginForm device="dev_1" name="core-1" backup={backup as Backup} onSaved={onDone} onCancel={onDone} /></QueryClientProvider>);
  const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
  return { type, onDone, save: () => fireEvent.click(screen.getByRole("button", { name: "Save" })), sent: () => patch.mock.calls.map(([, init]) => (init as { body: unknown }).body) };
}

it("sends the port with the login, so that the first fetch knows it", async () => {
  const { type, save, sent, onDone } = show({ login: null, port: 22, effective: { enabled: false, why: "no_login" } });
  type("User", "ops");
  type("Password", "secret");
  type("Port of SSH", "70000");
  save();
  expect(sent()).toEqual([]);
  type("Port of SSH", "12222");
  save();
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(sent()).toEqual([{ login: { user: "ops", password: "secret" }, port: 12_222 }]);
});

it("asks for no password again where only the port is another one", async () => {
  const { type, save, sent, onDone } = show({ login: OWN, port: 22, effective: ON });
  type("Port of SSH", "2222");
  save();
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(sent()).toEqual([{ port: 2222 }]);
});

it("promises a fetch only where one will come", () => {
  show({ login: null, port: 22, effective: { enabled: false, why: "no_login" } });
  expect(screen.getByText(/^Once it is saved, its configuration is fetched: in the hours of the backup/)).toBeTruthy();
  cleanup();
  show({ login: OWN, port: 22, effective: { enabled: false, why: "policy" } });
  expect(screen.getByText("Switched off by the tenant's policy. The login is kept; nothing is fetched with it yet.")).toBeTruthy();
});
