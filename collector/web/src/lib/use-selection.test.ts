import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { useSelection } from "./use-selection";

afterEach(cleanup);

it("leaves out what a filter hides, and remembers it", () => {
  const { result, rerender } = renderHook(({ shown }) => useSelection(shown), { initialProps: { shown: ["a", "b", "c"] } });
  act(() => result.current.toggle("a"));
  act(() => result.current.toggle("b"));
  rerender({ shown: ["b", "c"] });
  expect(result.current.ids).toEqual(["b"]);
  rerender({ shown: ["a", "b", "c"] });
  expect(result.current.ids).toEqual(["a", "b"]);
  act(() => result.current.toggle("a"));
  expect(result.current.ids).toEqual(["b"]);
});
