import { useCallback, useMemo, useState } from "react";

const NONE: ReadonlySet<string> = new Set();

export interface Selection {
  /** Those of the marked ones that are on the page. */
  ids: readonly string[];
  has: (id: string) => boolean;
  toggle: (id: string) => void;
  all: () => void;
  clear: () => void;
}

/** Rows that are marked for one change. What a filter hides is not changed with the rest. */
export function useSelection(shown: readonly string[]): Selection {
  const [marked, setMarked] = useState(NONE);
  const ids = useMemo(() => (marked.size === 0 ? [] : shown.filter((id) => marked.has(id))), [shown, marked]);
  const toggle = useCallback((id: string) => {
    setMarked((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const clear = useCallback(() => setMarked(NONE), []);
  const all = useCallback(() => setMarked(new Set(shown)), [shown]);
  const has = useCallback((id: string) => marked.has(id), [marked]);
  return { ids, has, toggle, all, clear };
}
