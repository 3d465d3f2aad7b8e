import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { meQuery } from "../../lib/session";
import type { Person } from "../../lib/types";
import { PersonPanel } from "./person-panel";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const PERSON: Person = {
  id: "usr_1", email: "gone@provider.example", super_admin: true, staff: false, disabled: false, totp: true,
  must_change_password: false, memberships: [], created_at: "2026-11-21T10:00:00Z", last_sign_in_at: null,
};

/** The panel as somebody with this role sees it. */
function shown(role: string, person: Person) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
  client.setQueryData(meQuery.queryKey, { user: { id: "usr_2", role, staff: false }, tenants: [] } as never);
  render(
    <QueryClientProvider client={client}>
      <PersonPanel person={person} onClose={() => {}} />
    </QueryClientProvider>,
  );
}

it("deletes somebody after saying what goes with them", async () => {
  const gone = vi.spyOn(api, "DELETE").mockResolvedValue({ response: new Response(null, { status: 204 }) } as never);
  shown("super_admin", PERSON);
  fireEvent.click(screen.getByRole("button", { name: "Remove…" }));
  expect(screen.getByRole("list", { name: "What is lost" }).textContent).toContain("API keys");
  expect(gone).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(gone).toHaveBeenCalledWith("/api/v1/users/{id}", { params: { path: { id: "usr_1" } } }));
});

it("lets who administers a tenant make a password and nothing else of the account", () => {
  // What somebody is at the provider they are not told.
  shown("tenant_admin", { ...PERSON, super_admin: null, staff: null });
  expect(screen.getByRole("button", { name: "New password" })).toBeTruthy();
  for (const name of ["Remove…", "Disable", "Remove"]) {
    expect(screen.queryByRole("button", { name })).toBeNull();
  }
});
