import { useRef } from "react";
import { type Outcome, useCopy } from "../lib/use-copy";
import { IconButton } from "./button";
import { Icon } from "./icon";

export const COPY_WORD: Readonly<Record<Outcome, string>> = {
  copied: "Copied",
  marked: "This page may not copy by itself. The text is marked: copy it with Ctrl+C or ⌘C.",
};

/** A line to copy whole. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  const code = useRef<HTMLElement>(null);
  const [outcome, copy] = useCopy(text, code);
  return (
    <div>
      <div className="flex items-center gap-1 rounded-md border border-line bg-bg py-0.5 pr-0.5 pl-3">
        <code ref={code} className="min-w-0 flex-1 py-1.5 font-mono text-xs break-all select-all">{text}</code>
        <IconButton label={outcome === "copied" ? COPY_WORD.copied : label} onClick={copy}>
          <Icon name={outcome === "copied" ? "check" : "copy"} />
        </IconButton>
      </div>
      <p aria-live="polite" className={outcome === "marked" ? "mt-1 text-xs text-degraded" : "sr-only"}>
        {outcome && COPY_WORD[outcome]}
      </p>
    </div>
  );
}
