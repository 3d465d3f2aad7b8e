import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { OptionFields, optionsSent, optionsWrong, USUAL } from "./option-fields";

afterEach(cleanup);

it("sends only what differs", () => {
  expect(optionsSent(USUAL)).toEqual({});
  expect(optionsSent({ ping: false, strict_source: true, gap: "20" })).toEqual({ ping: false, strict_source: true, request_gap_ms: 20 });
  expect(optionsSent({ ...USUAL, gap: "00" })).toEqual({});
  expect(optionsSent(USUAL, { ...USUAL, ping: false })).toEqual({ ping: true });
});

it.each(["", "-1", "1001", "1e3", "ten"])("refuses the delay «%s» before it is sent", (gap) => {
  expect(optionsWrong({ ...USUAL, gap })).toHaveProperty("request_gap_ms");
});

it("takes every delay there can be", () => {
  expect(["0", "1000", " 20 "].map((gap) => optionsWrong({ ...USUAL, gap }))).toEqual([{}, {}, {}]);
});

it("says whether it is changed, and opens where something is wrong", () => {
  const change = vi.fn();
  const { rerender, container } = render(<OptionFields id="x" options={USUAL} onChange={change} wrong={{}} />);
  expect(screen.getByText("defaults")).toBeTruthy();
  fireEvent.click(screen.getByLabelText(/Send echo requests/));
  expect(change).toHaveBeenCalledWith({ ...USUAL, ping: false });
  rerender(<OptionFields id="x" options={{ ...USUAL, gap: "x" }} onChange={change} wrong={{ request_gap_ms: "no" }} />);
  expect(container.querySelector("details")?.open).toBe(true);
});
