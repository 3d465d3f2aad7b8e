/** What all views of a configuration share: they are read, not written. Loaded with CodeMirror alone. */
import { EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, lineNumbers, MatchDecorator, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import { cspNonce } from "../../lib/csp";
import type { Place } from "./find";
import { markPattern } from "./marks";

const secret = new MatchDecorator({
  regexp: markPattern(),
  decoration: Decoration.mark({ class: "cm-secret", attributes: { title: "A secret: only a fingerprint of it is kept. Another fingerprint is another secret." } }),
});

/** Of the lines in sight only. Not in a comparison: there a line that is gone is no line, and would have none. */
export const secrets: Extension = ViewPlugin.fromClass(
  class {
    marks: DecorationSet;
    constructor(view: EditorView) {
      this.marks = secret.createDeco(view);
    }
    update(update: ViewUpdate) {
      this.marks = secret.updateDeco(update, this.marks);
    }
  },
  { decorations: ({ marks }) => marks },
);

const font = "var(--font-mono, ui-monospace, monospace)";

const look = EditorView.theme({
  "&": { backgroundColor: "transparent", color: "var(--text)", fontSize: "12px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: font, lineHeight: "1.6" },
  ".cm-content": { padding: "6px 0" },
  ".cm-line": { padding: "0 12px 0 8px" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--faint)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "40px", padding: "0 8px 0 8px", fontVariantNumeric: "tabular-nums" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "var(--accent-soft) !important" },
  ".cm-secret": { borderRadius: "3px", outline: "1px solid var(--edge)", outlineOffset: "-1px" },
  ".cm-asked": { backgroundColor: "var(--selected)", boxShadow: "inset 3px 0 0 var(--accent)" },
  ".cm-found": { backgroundColor: "var(--accent-soft)", borderRadius: "2px" },
  ".cm-found-now": { outline: "1px solid var(--accent)" },
});

/** The end of the last line begins no other. */
export function shown(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** A label of its own says what the text is. */
export function readOnly(label: string): Extension {
  return [
    EditorView.cspNonce.of(cspNonce()),
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": "true", tabindex: "0" }),
    EditorView.lineWrapping,
    lineNumbers(),
    measuredAnew,
    look,
  ];
}

/**
 * The sheet with the editor's own look may come into force a frame after the lines were measured, and the editor passes by a change
 * of size that follows so soon: its gutter would stand off the lines for as long as nothing else happens.
 */
const measuredAnew = ViewPlugin.define((view) => {
  const watch = new ResizeObserver(() => view.requestMeasure());
  watch.observe(view.contentDOM);
  return { destroy: () => watch.disconnect() };
});

const setMarks = StateEffect.define<{ places: readonly Place[]; now: number; asked: number | null }>();

/** Marks of what is looked for, and of the line that a link leads to. */
export const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const { places, now, asked } = effect.value;
      const found = places.map(({ from, to }, i) => Decoration.mark({ class: i === now ? "cm-found cm-found-now" : "cm-found" }).range(from, to));
      const line = asked !== null && asked >= 1 && asked <= transaction.state.doc.lines
        ? [Decoration.line({ class: "cm-asked" }).range(transaction.state.doc.line(asked).from)] : [];
      return Decoration.set([...line, ...found], true);
    }
    return value;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Shows what is found; the present one, else the line that was asked for, is scrolled to. */
export function showMarks(view: EditorView, places: readonly Place[], now: number, asked: number | null): void {
  const place = places[now];
  const line = asked !== null && asked >= 1 && asked <= view.state.doc.lines ? view.state.doc.line(asked) : null;
  const at = place?.from ?? (places.length === 0 ? line?.from : undefined);
  view.dispatch({
    effects: [
      setMarks.of({ places, now, asked }),
      ...(at === undefined ? [] : [EditorView.scrollIntoView(at, { y: "center" })]),
    ],
  });
}
