import { expect, it, vi } from "vitest";
import { KeyMatcher } from "./keys";

const key = (name: string, target: EventTarget | null = document.body, ctrlKey = false) => ({
  key: name, ctrlKey, metaKey: false, altKey: false, target,
});

it("matches single keys and sequences", () => {
  const bindings = { j: vi.fn(), "g f": vi.fn(), f: vi.fn() };
  const keys = new KeyMatcher();
  expect(keys.match(key("j"), bindings, 0)).toBe(bindings.j);
  expect(keys.match(key("g"), bindings, 1)).toBeNull();
  expect(keys.match(key("f"), bindings, 500)).toBe(bindings["g f"]);
  expect(keys.match(key("g"), bindings, 1000)).toBeNull();
  expect(keys.match(key("f"), bindings, 9000)).toBe(bindings.f);
});

it("takes what follows the start of a sequence for no key by itself", () => {
  const bindings = { a: vi.fn(), s: vi.fn(), "g f": vi.fn() };
  const keys = new KeyMatcher();
  expect(keys.match(key("g"), bindings, 0)).toBeNull();
  expect(keys.match(key("a"), bindings, 200)).toBeNull();
  expect(keys.match(key("a"), bindings, 400)).toBe(bindings.a);
});

it("hears Ctrl with a letter in an input as well", () => {
  const bindings = { "mod+k": vi.fn(), k: vi.fn() };
  const keys = new KeyMatcher();
  expect(keys.match(key("k", document.createElement("input"), true), bindings, 0)).toBe(bindings["mod+k"]);
  expect(keys.match(key("K", document.body, true), bindings, 0)).toBe(bindings["mod+k"]);
  expect(keys.match(key("j", document.body, true), bindings, 0)).toBeNull();
});

it("stays silent in inputs, with modifiers and for Enter on a control", () => {
  const bindings = { j: vi.fn(), Enter: vi.fn() };
  const keys = new KeyMatcher();
  expect(keys.match(key("j", document.createElement("input")), bindings, 0)).toBeNull();
  expect(keys.match(key("j", document.createElement("textarea")), bindings, 0)).toBeNull();
  expect(keys.match(key("j", document.body, true), bindings, 0)).toBeNull();
  expect(keys.match(key("Enter", document.createElement("button")), bindings, 0)).toBeNull();
  expect(keys.match(key("Enter"), bindings, 0)).toBe(bindings.Enter);
});
