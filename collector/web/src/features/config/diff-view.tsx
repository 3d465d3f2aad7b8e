import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { readOnly, shown } from "./editor";

interface Props {
  before: string;
  after: string;
  /** Beside each other, else below each other. */
  split: boolean;
  /** Long stretches of what did not change are folded away. */
  folded: boolean;
  labels: readonly [before: string, after: string];
}

const FOLD = { margin: 3, minSize: 6 };
/** Beyond this a comparison is told line by line, not letter by letter: the page must stay quick. */
const DIFF = { scanLimit: 2000, timeout: 800 };

const gone = "color-mix(in srgb, var(--down) 14%, transparent)";
const goneWord = "color-mix(in srgb, var(--down) 30%, transparent)";
const come = "color-mix(in srgb, var(--up) 14%, transparent)";
const comeWord = "color-mix(in srgb, var(--up) 30%, transparent)";

/** The library's own colours are of no theme of ours, and its sign of a fold is in few fonts. */
const look = EditorView.theme({
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: gone },
  "&.cm-merge-b .cm-changedLine, .cm-inlineChangedLine": { backgroundColor: come },
  "&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText": { background: `${goneWord} !important`, borderRadius: "2px" },
  "&.cm-merge-b .cm-changedText": { background: `${comeWord} !important`, borderRadius: "2px" },
  ".cm-deletedChunk": { padding: "0 12px 0 8px" },
  ".cm-deletedLine, .cm-deletedChunk del": { textDecoration: "none" },
  ".cm-changeGutter": { width: "18px", paddingLeft: "0" },
  ".cm-changeGutter .cm-gutterElement": { textAlign: "center", fontWeight: "600" },
  "&.cm-merge-a .cm-changedLineGutter, .cm-deletedLineGutter": { background: `${gone} !important`, color: "var(--down)" },
  "&.cm-merge-a .cm-changedLineGutter::before, .cm-deletedLineGutter::before": { content: '"−"' },
  "&.cm-merge-b .cm-changedLineGutter": { background: `${come} !important`, color: "var(--up)" },
  "&.cm-merge-b .cm-changedLineGutter::before": { content: '"+"' },
  ".cm-collapsedLines": {
    padding: "3px 12px", background: "var(--hover) !important", color: "var(--muted) !important", fontFamily: "var(--font-sans)",
    borderBlock: "1px solid var(--line)",
  },
  ".cm-collapsedLines:hover": { color: "var(--text) !important" },
  ".cm-collapsedLines::before": { content: '"↕"', marginInlineEnd: "8px" },
  ".cm-collapsedLines::after": { content: '""', margin: "0" },
});

/** What became of a configuration: what is gone stands on the left or above. */
export function DiffView({ before, after, split, folded, labels: [left, right] }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const parent = box.current;
    if (!parent) return;
    const fold = folded ? { collapseUnchanged: FOLD } : {};
    const shared = (label: string): Extension => [readOnly(label), look];
    if (split) {
      const merge = new MergeView({
        parent, a: { doc: shown(before), extensions: shared(left) }, b: { doc: shown(after), extensions: shared(right) }, gutter: true, diffConfig: DIFF, ...fold,
      });
      return () => merge.destroy();
    }
    const unified = unifiedMergeView({ original: shown(before), mergeControls: false, gutter: true, diffConfig: DIFF, ...fold });
    const view = new EditorView({
      parent, state: EditorState.create({ doc: shown(after), extensions: [shared(`${right}, compared with: ${left}`), unified] }),
    });
    return () => view.destroy();
  }, [before, after, split, folded, left, right]);
  return <div ref={box} data-config-diff={split ? "split" : "unified"} className="min-w-0" />;
}
