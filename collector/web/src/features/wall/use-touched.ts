import { useEffect, useState } from "react";

const SHOWN_MS = 6_000;

/** True for a while after somebody touched the mouse, the keys or the screen. */
export function useTouched(): boolean {
  const [touched, setTouched] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const touch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => setTouched(false), SHOWN_MS);
      setTouched(true);
    };
    const kinds = ["pointermove", "pointerdown", "keydown"] as const;
    for (const kind of kinds) addEventListener(kind, touch, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const kind of kinds) removeEventListener(kind, touch);
    };
  }, []);
  return touched;
}
