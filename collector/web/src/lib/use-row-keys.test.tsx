import { act, cleanup, fireEvent, render } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { ROW_LINK } from "../ui/grid-row";
import { useBeside } from "./use-beside";
import { rowClicks, rowMark, useRowKeys } from "./use-row-keys";

afterEach(cleanup);

const IDS = ["a", "b", "c"];

function List({ toPage }: { toPage: (id: string) => void }) {
  const [open, setOpen] = useState<string>();
  const beside = useBeside({ first: null, open, setOpen, toPage });
  useRowKeys(IDS, beside);
  return (
    <>
      <ul>
        {IDS.map((id) => (
          <li key={id} {...rowMark(id, beside.chosen)} {...rowClicks(id, beside)}>
            <span>{id}</span><a href="#page">name</a><a href="#words" {...ROW_LINK} onClick={(event) => event.preventDefault()}>words</a>
          </li>
        ))}
      </ul>
      <p data-open={open ?? ""} />
      <button type="button" onClick={() => beside.back()}>back</button>
    </>
  );
}

const show = () => {
  const toPage = vi.fn();
  const { container } = render(<List toPage={toPage} />);
  const row = (id: string) => container.querySelector(`[data-at=${id}]`) as HTMLElement;
  return {
    toPage, row,
    press: (key: string) => act(() => fireEvent.keyDown(document.activeElement ?? document.body, { key })),
    click: (at: Element | null) => act(() => fireEvent.click(at as Element)),
    at: () => container.querySelector("[data-chosen]")?.getAttribute("data-at"),
    open: () => container.querySelector("[data-open]")?.getAttribute("data-open"),
    back: () => act(() => fireEvent.click(container.querySelector("button") as Element)),
  };
};

it("walks by j and k; Enter shows a row beside the list and then opens its page, and the panel follows", () => {
  const { toPage, press, at, open, row } = show();
  press("j");
  press("j");
  expect([at(), open(), document.activeElement]).toEqual(["b", "", row("b")]);
  press("Enter");
  expect([open(), toPage.mock.calls.length]).toEqual(["b", 0]);
  press("k");
  expect([at(), open()]).toEqual(["a", "a"]);
  press("Enter");
  expect(toPage.mock.calls).toEqual([["a"]]);
});

it("takes a click as Enter, a double click as two, and leaves a name to itself", () => {
  const { toPage, click, open, row, back } = show();
  click(row("c").querySelector("span"));
  expect(open()).toBe("c");
  click(row("b").querySelector("a"));
  expect(open()).toBe("c");
  click(row("a").querySelector("[data-of-row]"));
  expect(open()).toBe("a");
  act(() => fireEvent.doubleClick(row("b")));
  expect(toPage.mock.calls).toEqual([["b"]]);
  back();
  expect(open()).toBe("");
});
