import { type RefObject, useEffect, useRef, useState } from "react";

/** The inside of an element in pixels, and how many of them are one em there. */
export interface Box {
  width: number;
  height: number;
  em: number;
}

const NONE: Box = { width: 0, height: 0, em: 0 };

/** Measures an element, again when it changes its size. */
export function useBox<T extends HTMLElement>(): [RefObject<T | null>, Box] {
  const ref = useRef<T>(null);
  const [box, setBox] = useState(NONE);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      setBox({ width, height, em: Number.parseFloat(getComputedStyle(element).fontSize) });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, box];
}
