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

it("leaves what follows g to who leads to pages", () => {
  const ofPage = { a: vi.fn(), s: vi.fn() };
  const keys = new KeyMatcher();
  expect(keys.match(key("g"), ofPage, 0)).toBeNull();
  expect(keys.match(key("a"), ofPage, 200)).toBeNull();
  expect(keys.match(key("a"), ofPage, 400)).toBe(ofPage.a);
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
