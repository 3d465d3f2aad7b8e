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

it("sends a login whole, and nothing before it is one", async () => {
  const patch = vi.spyOn(api, "PATCH").mockResolvedValue({ data: { data: {} }, response: new Response() } as never);
  const onDone = vi.fn();
  const login = { from: "profile", profile: { id: "crd_1", name: "Core" }, user: "of-the-profile", has_password: true, has_key: false, has_enable: false };
  render(<QueryClientProvider client={new QueryClient()}><LoginForm device="dev_1" backup={{ login } as Backup} onDone={onDone} /></QueryClientProvider>);
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
