import { useRef, useState } from "react";
import { Icon } from "./icon";
import { IconButton } from "./button";

type Outcome = "copied" | "marked";

const WORD: Readonly<Record<Outcome, string>> = {
  copied: "Copied",
  marked: "This page may not copy by itself. The text is marked: copy it with Ctrl+C or ⌘C.",
};
const COPIED_MS = 2000;

/** A line to copy whole. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const code = useRef<HTMLElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
      setTimeout(() => setOutcome((now) => (now === "copied" ? null : now)), COPIED_MS);
    } catch {
      // The clipboard needs https or loopback, and leave to write.
      if (code.current) getSelection()?.selectAllChildren(code.current);
      setOutcome("marked");
    }
  };
  return (
    <div>
      <div className="flex items-center gap-1 rounded-md border border-line bg-bg py-0.5 pr-0.5 pl-3">
        <code ref={code} className="min-w-0 flex-1 py-1.5 font-mono text-xs break-all select-all">{text}</code>
        <IconButton label={outcome === "copied" ? WORD.copied : label} onClick={() => void copy()}>
          <Icon name={outcome === "copied" ? "check" : "copy"} />
        </IconButton>
      </div>
      <p aria-live="polite" className={outcome === "marked" ? "mt-1 text-xs text-degraded" : "sr-only"}>
        {outcome && WORD[outcome]}
      </p>
    </div>
  );
}
