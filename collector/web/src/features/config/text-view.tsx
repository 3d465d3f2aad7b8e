import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { marks, readOnly, secrets, showMarks, shown } from "./editor";
import type { Place } from "./find";

interface Props {
  text: string;
  label: string;
  /** The line that a link leads to, from 1. */
  line: number | null;
  places: readonly Place[];
  /** The place that is stepped to; -1: none. */
  now: number;
}

/** A whole configuration, with the numbers of its lines. */
export function TextView({ text, label, line, places, now }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  useEffect(() => {
    if (!box.current) return;
    const made = new EditorView({ parent: box.current, state: EditorState.create({ doc: shown(text), extensions: [readOnly(label), secrets, marks] }) });
    view.current = made;
    return () => made.destroy();
  }, [text, label]);
  useEffect(() => {
    if (view.current) showMarks(view.current, places, now, line);
    // The places are of the text: another text brings others.
  }, [places, now, line]);
  return <div ref={box} data-config-text className="min-w-0" />;
}
