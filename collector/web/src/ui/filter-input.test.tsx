import { fireEvent, render } from "@testing-library/react";
import { createRef } from "react";
import { expect, it, vi } from "vitest";
import { FilterInput } from "./filter-input";

it("keeps what is typed while the URL lags, and follows the URL otherwise", () => {
  const onQuery = vi.fn();
  const ref = createRef<HTMLInputElement>();
  const filter = (query: string) => <FilterInput label="Filter devices" input={ref} query={query} onQuery={onQuery} toRows={() => false} />;
  const { rerender } = render(filter(""));
  const input = ref.current;
  if (!input) throw new Error("no input");
  fireEvent.focus(input);
  fireEvent.change(input, { target: { value: "co" } });
  fireEvent.change(input, { target: { value: "cor" } });
  rerender(filter("co"));
  expect(input.value).toBe("cor");
  expect(onQuery).toHaveBeenLastCalledWith("cor");
  fireEvent.blur(input);
  rerender(filter("cor"));
  rerender(filter(""));
  expect(input.value).toBe("");
});

it("clears by a first Esc, leaves by a second, and goes to the rows by Enter and the arrow", () => {
  const [onQuery, toRows] = [vi.fn(), vi.fn(() => true)];
  const ref = createRef<HTMLInputElement>();
  render(<FilterInput label="Filter devices" input={ref} query="core" onQuery={onQuery} toRows={toRows} />);
  const input = ref.current;
  if (!input) throw new Error("no input");
  const press = (key: string) => fireEvent.keyDown(input, { key });
  input.focus();
  press("Enter");
  press("ArrowDown");
  expect(toRows).toHaveBeenCalledTimes(2);
  press("Escape");
  expect(onQuery).toHaveBeenCalledExactlyOnceWith("");
  expect([input.value, document.activeElement]).toEqual(["", input]);
  press("Escape");
  expect(document.activeElement).not.toBe(input);
});
