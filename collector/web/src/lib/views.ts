/** Saved views: which URL of a list one is, and how the list of them changes. The server keeps it whole. */
import type { SavedView } from "./types";

/** The server takes no more. */
export const VIEWS_MAX = 50;
export const NAME_CHARS_MAX = 60;
const PATH_CHARS_MAX = 500;

/** What passes: the row that is open beside the list, and how the page is framed. */
const PASSING = new Set(["open", "kiosk"]);

/** The same view always as the same text. */
export function viewPath(href: string): string {
  const { pathname, searchParams } = new URL(href, "http://x");
  const kept = [...searchParams].filter(([key]) => !PASSING.has(key)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const search = new URLSearchParams(kept).toString();
  return search ? `${pathname}?${search}` : pathname;
}

export function pageOf(path: string): string {
  return path.replace(/\?.*/, "");
}

/** The views of the same page. */
export function viewsOf(views: readonly SavedView[], path: string): readonly SavedView[] {
  return views.filter((view) => pageOf(view.path) === pageOf(path));
}

/** Which of them the page shows. */
export function shownView(views: readonly SavedView[], path: string): SavedView | undefined {
  return views.find((view) => viewPath(view.path) === viewPath(path));
}

/** What is wrong with a name; null: nothing. `was`: the name that it had. */
export function nameWrong(views: readonly SavedView[], name: string, was?: string): string | null {
  const wanted = name.trim();
  if (!wanted) return "Give it a name.";
  if (wanted.length > NAME_CHARS_MAX) return `At most ${NAME_CHARS_MAX} characters.`;
  const isTaken = views.some((view) => view.name !== was && view.name.toLowerCase() === wanted.toLowerCase());
  return isTaken ? "There is a view of that name." : null;
}

/** Why no more can be saved; null: it can. */
export function saveWrong(views: readonly SavedView[], path: string): string | null {
  if (views.length >= VIEWS_MAX) return `There are ${VIEWS_MAX} views: remove one first.`;
  return path.length > PATH_CHARS_MAX ? "This filter is too long to be kept." : null;
}

export const added = (views: readonly SavedView[], name: string, path: string): SavedView[] => [...views, { name: name.trim(), path: viewPath(path) }];
export const removed = (views: readonly SavedView[], name: string): SavedView[] => views.filter((view) => view.name !== name);
export const renamed = (views: readonly SavedView[], was: string, name: string): SavedView[] =>
  views.map((view) => (view.name === was ? { ...view, name: name.trim() } : view));
/** It shows what the page shows now. */
export const moved = (views: readonly SavedView[], name: string, path: string): SavedView[] =>
  views.map((view) => (view.name === name ? { ...view, path: viewPath(path) } : view));
