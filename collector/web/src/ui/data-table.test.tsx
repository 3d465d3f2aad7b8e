import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { type Answer, usePages } from "../lib/use-pages";
import { type Column, DataTable } from "./data-table";

interface Row {
  id: string;
}
const COLUMNS: readonly Column<Row>[] = [
  { by: "id", label: "Id", title: true, read: (row) => row.id, cell: (row) => row.id },
];
type Page = (cursor: { cursor?: string }) => Promise<Answer<Row>>;

function Listed({ page }: { page: Page }) {
  const list = usePages(["rows"], page);
  return (
    <DataTable label="Rows" list={list} columns={COLUMNS} keyOf={(row) => row.id}
      first={{ by: "id", desc: true }} empty={<p>Nothing here</p>} />
  );
}
function show(page: Page) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={queries}><Listed page={page} /></QueryClientProvider>);
}
const ids = () => [...document.querySelectorAll("[data-row]")].map((row) => row.textContent);
const answer = (rows: string[], next_cursor: string | null): Answer<Row> =>
  ({ data: rows.map((id) => ({ id })), meta: { next_cursor, total: 3 } });

afterEach(cleanup);

it("keeps the server's order until the list is whole, then sorts", async () => {
  const page = vi.fn<Page>(async ({ cursor }) => (cursor ? answer(["c"], null) : answer(["a", "b"], "next")));
  show(page);
  expect(await screen.findByText("2 of 3")).toBeTruthy();
  expect(ids()).toEqual(["a", "b"]);
  expect(document.querySelector("[data-sort]")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Show more" }));
  expect(await screen.findByText("c")).toBeTruthy();
  expect(page).toHaveBeenLastCalledWith({ cursor: "next" });
  expect(ids()).toEqual(["c", "b", "a"]);
  expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
});

it("says that there is nothing, or why it cannot say", async () => {
  show(async () => answer([], null));
  expect(await screen.findByText("Nothing here")).toBeTruthy();
  cleanup();
  show(vi.fn<Page>().mockRejectedValueOnce(new Error("No way")).mockResolvedValue(answer(["a"], null)));
  expect(await screen.findByText("No way")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("a")).toBeTruthy();
});
