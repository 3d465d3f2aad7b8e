import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { api } from "../../lib/api";
import { meQuery } from "../../lib/session";
import { FirstPassword } from "./first-password";
import { keepOneTime, keptOneTime } from "./one-time";

const navigate = vi.hoisted(() => vi.fn(async () => {}));
vi.mock("@tanstack/react-router", () => ({ useRouter: () => ({ navigate }) }));

afterEach(() => {
  cleanup();
  keepOneTime(null);
  navigate.mockClear();
});

function show() {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } } });
  client.setQueryData(meQuery.queryKey, { user: { email: "a@x" }, tenants: [] } as never);
  vi.spyOn(api, "GET").mockResolvedValue({ data: { data: client.getQueryData(meQuery.queryKey) }, response: new Response() } as never);
  render(<QueryClientProvider client={client}><FirstPassword next="/fleet" /></QueryClientProvider>);
}

function choose(password: string) {
  for (const label of ["New password", "New password again"]) {
    fireEvent.change(screen.getByLabelText(label), { target: { value: password } });
  }
  fireEvent.click(screen.getByRole("button", { name: "Change password" }));
}

it("does not ask again for the one-time password of a moment ago", async () => {
  keepOneTime("made-for-you");
  const post = vi.spyOn(api, "POST").mockResolvedValue({ response: new Response(null, { status: 204 }) } as never);
  show();
  expect(screen.queryByLabelText("One-time password")).toBeNull();
  // It is with this page alone from here on.
  expect(keptOneTime()).toBeNull();
  choose("a few words of my own");
  await waitFor(() => expect(navigate).toHaveBeenCalledWith({ href: "/fleet" }));
  expect(post).toHaveBeenCalledExactlyOnceWith("/api/v1/me/password", {
    body: { current: "made-for-you", new: "a few words of my own" },
  });
});

it("asks for it on a page that was loaded anew", () => {
  show();
  expect(screen.getByLabelText("One-time password")).toBeTruthy();
});

it("asks for it when another one was made meanwhile", async () => {
  keepOneTime("made-for-you");
  const errors = [{ field: "current", message: "is not your password" }];
  const response = new Response(null, { status: 422 });
  vi.spyOn(api, "POST").mockResolvedValue({ error: { code: "invalid", detail: "", errors }, response } as never);
  show();
  choose("a few words of my own");
  expect(await screen.findByLabelText("One-time password")).toBeTruthy();
});
