import { type RefObject, useState } from "react";

export type Outcome = "copied" | "marked";

const COPIED_MS = 2000;

/** Copies a text; where the page may not, marks what shows it, for who copies by hand. */
export function useCopy(text: string, shown: RefObject<HTMLElement | null>): [Outcome | null, () => void] {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
      setTimeout(() => setOutcome((now) => (now === "copied" ? null : now)), COPIED_MS);
    } catch {
      // The clipboard needs https or loopback, and leave to write.
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
      setOutcome("marked");
    }
  };
  return [outcome, () => void copy()];
}
