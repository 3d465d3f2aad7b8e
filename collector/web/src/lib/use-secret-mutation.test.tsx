import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, it } from "vitest";
import { useSecretMutation } from "./use-secret-mutation";

afterEach(cleanup);

const SECRET = "correct horse battery staple";

function setup(answer: () => Promise<string>) {
  const client = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>;
  const heard: string[] = [];
  const hook = renderHook(() => useSecretMutation<string, string>({ mutationFn: answer, onSuccess: (text) => void heard.push(text) }), { wrapper });
  const kept = () => JSON.stringify(client.getMutationCache().getAll().map(({ state }) => [state.variables, state.data]));
  return { ...hook, heard, kept };
}

it("keeps neither what was sent nor what came, once it came through", async () => {
  const { result, heard, kept } = setup(async () => `key of ${SECRET}`);
  act(() => result.current.mutate(SECRET));
  await waitFor(() => expect(heard).toEqual([`key of ${SECRET}`]));
  expect(JSON.stringify([result.current.data, result.current.variables])).not.toContain(SECRET);
  await waitFor(() => expect(kept()).not.toContain(SECRET));
});

it("keeps nothing of what failed, once its form is gone", async () => {
  const { result, unmount, kept } = setup(() => Promise.reject(new Error("no")));
  act(() => result.current.mutate(SECRET));
  await waitFor(() => expect(result.current.error?.message).toBe("no"));
  unmount();
  await waitFor(() => expect(kept()).not.toContain(SECRET));
});
