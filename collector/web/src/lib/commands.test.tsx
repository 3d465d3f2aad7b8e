import { fireEvent, renderHook } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { COMMAND_IDS, COMMANDS, keyCaps } from "./command-catalog";
import { CommandRegistry, LAYER } from "./commands";
import { setKeysEnabled } from "./keys";
import { useCommands } from "./use-commands";

const press = (...keys: string[]) => {
  for (const key of keys) fireEvent.keyDown(document.body, { key });
};

it("gives a key to what lies on top, and back when that is gone", () => {
  const registry = new CommandRegistry();
  const [ofPage, ofToast] = [vi.fn(), vi.fn()];
  registry.register(() => ({ "alert.undo": ofPage }), LAYER.page);
  const remove = registry.register(() => ({ undo: ofToast }), LAYER.over);
  expect(registry.bindings()["u"]).toBe(ofToast);
  expect(registry.list().map(({ id }) => id)).toEqual(["undo", "alert.undo"]);
  remove();
  expect(registry.bindings()["u"]).toBe(ofPage);
});

it("tells what works now, not what worked when it was registered", () => {
  const registry = new CommandRegistry();
  let run: (() => void) | undefined;
  registry.register(() => ({ "alert.ack": run }), LAYER.page);
  expect(registry.list()).toEqual([]);
  run = () => {};
  expect(registry.list()).toEqual([{ ...COMMANDS["alert.ack"], id: "alert.ack", run }]);
});

it("switches off single characters only: Escape and Ctrl+K still work", () => {
  const runs = { "list.next": vi.fn(), "go.fleet": vi.fn(), "go.back": vi.fn(), "palette.open": vi.fn() };
  const { unmount } = renderHook(() => useCommands(runs));
  setKeysEnabled(false);
  press("j", "g", "f", "Escape");
  fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
  expect(runs["list.next"]).not.toHaveBeenCalled();
  expect(runs["go.fleet"]).not.toHaveBeenCalled();
  expect(runs["go.back"]).toHaveBeenCalledOnce();
  expect(runs["palette.open"]).toHaveBeenCalledOnce();
  setKeysEnabled(true);
  press("j", "g", "f");
  expect(runs["list.next"]).toHaveBeenCalledOnce();
  expect(runs["go.fleet"]).toHaveBeenCalledOnce();
  unmount();
  press("j");
  expect(runs["list.next"]).toHaveBeenCalledOnce();
});

it("leaves the keys to an open dialog", () => {
  const runs = { "list.next": vi.fn() };
  renderHook(() => useCommands(runs));
  const dialog = document.body.appendChild(document.createElement("div"));
  dialog.setAttribute("role", "dialog");
  press("j");
  expect(runs["list.next"]).not.toHaveBeenCalled();
  dialog.remove();
});

it("starts no sequence with a key that does something alone", () => {
  const keys = COMMAND_IDS.flatMap((id) => COMMANDS[id].keys ?? []);
  const starts = new Set(keys.filter((one) => one.includes(" ")).map((one) => one.slice(0, one.indexOf(" "))));
  expect(keys.filter((one) => starts.has(one))).toEqual([]);
});

it("names the keys as they stand on them", () => {
  expect(keyCaps("g f", false)).toEqual(["g", "f"]);
  expect(keyCaps("mod+k", false)).toEqual(["Ctrl", "K"]);
  expect(keyCaps("mod+k", true)).toEqual(["⌘", "K"]);
  expect(keyCaps("Escape", false)).toEqual(["Esc"]);
});
