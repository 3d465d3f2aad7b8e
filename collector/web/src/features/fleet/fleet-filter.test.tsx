import { fireEvent, render } from "@testing-library/react";
import { createRef } from "react";
import { expect, it, vi } from "vitest";
import { FleetFilter } from "./fleet-filter";

it("keeps what is typed while the URL lags, and follows the URL otherwise", () => {
  const onQuery = vi.fn();
  const ref = createRef<HTMLInputElement>();
  const filter = (query: string) => <FleetFilter input={ref} query={query} onQuery={onQuery} />;
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
