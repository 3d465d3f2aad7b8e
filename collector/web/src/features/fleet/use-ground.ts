import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import type { Ground } from "./fit";

/** The usual width of a digit, in em. */
const DIGIT_EM = 0.6;

/** Of the letters of the page: columns are as wide as their texts. */
function digitOf(element: Element): number {
  const { fontSize, fontFamily } = getComputedStyle(element);
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return DIGIT_EM * (Number.parseFloat(fontSize) || 13);
  context.font = `${fontSize} ${fontFamily}`;
  return context.measureText("0").width;
}

/** Measures the place of a list before it is painted, and whenever it changes. */
export function useGround(): [RefObject<HTMLDivElement | null>, Ground] {
  const ref = useRef<HTMLDivElement>(null);
  const [ground, setGround] = useState<Ground>({ width: innerWidth, digit: 8 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const digit = digitOf(element);
    const measure = () => {
      const { clientWidth: width } = element;
      setGround((old) => (old.width === width && old.digit === digit ? old : { width, digit }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, ground];
}
