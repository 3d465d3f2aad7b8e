import { type RefObject, useEffect, useRef, useState } from "react";

/** Until it is measured. */
const USUAL_PX = 560;

/** The width of an element, which decides what lies near to what. */
export function useWidth(): [RefObject<HTMLElement | null>, number] {
  const element = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(USUAL_PX);
  useEffect(() => {
    const box = element.current;
    if (!box) return;
    const watch = new ResizeObserver(() => setWidth(box.clientWidth || USUAL_PX));
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  return [element, width];
}
