import { useSyncExternalStore } from "react";

export type Theme = "dark" | "light";

const KEY = "farwatch.theme";
const listeners = new Set<() => void>();

export function currentTheme(): Theme {
  return document.documentElement.dataset["theme"] === "light" ? "light" : "dark";
}

/** Paper is light, whatever the screen is: canvases and tokens alike. */
export function watchPaper(): void {
  let onScreen: Theme | null = null;
  matchMedia("print").addEventListener("change", ({ matches }) => {
    if (matches) onScreen ??= currentTheme();
    document.documentElement.dataset["theme"] = matches ? "light" : (onScreen ?? currentTheme());
    if (!matches) onScreen = null;
    for (const listener of listeners) listener();
  });
}

export function setTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is closed to us; the choice lasts as long as the page.
  }
  showTheme(theme);
}

/** For this page only: nothing is remembered. */
export function showTheme(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme;
  // The frame that the system draws around an installed app.
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", token("surface"));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, currentTheme);
}

/** The value of a colour token, for canvases. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
