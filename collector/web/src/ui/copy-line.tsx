import { useRef } from "react";
import { type Outcome, useCopy } from "../lib/use-copy";
import { Button, IconButton } from "./button";
import { Icon } from "./icon";

export const COPY_WORD: Readonly<Record<Outcome, string>> = {
  copied: "Copied",
  marked: "This page may not copy by itself. The text is marked: copy it with Ctrl+C or ⌘C.",
};

/** A line to copy whole. `isLarge`: the button stands below it, as wide as the line. */
export function CopyLine({ text, label, isLarge = false }: { text: string; label: string; isLarge?: boolean | undefined }) {
  const code = useRef<HTMLElement>(null);
  const [outcome, copy] = useCopy(text, code);
  return (
    <div>
      <div className="flex items-center gap-1 rounded-md border border-line bg-bg py-0.5 pr-0.5 pl-3">
        {/* A long one scrolls: by the keyboard, too. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <code ref={code} tabIndex={isLarge ? 0 : undefined} className={`min-w-0 flex-1 py-1.5 font-mono text-xs break-all select-all ${isLarge ? "max-h-28 overflow-y-auto pr-3" : ""}`}>{text}</code>
        {!isLarge && (
          <IconButton label={outcome === "copied" ? COPY_WORD.copied : label} onClick={copy}>
            <Icon name={outcome === "copied" ? "check" : "copy"} />
          </IconButton>
        )}
      </div>
      {isLarge && (
        <Button className="mt-1.5 w-full" onClick={copy}>
          <Icon name={outcome === "copied" ? "check" : "copy"} /> {outcome === "copied" ? COPY_WORD.copied : label}
        </Button>
      )}
      <p aria-live="polite" className={outcome === "marked" ? "mt-1 text-xs text-degraded" : "sr-only"}>
        {outcome && COPY_WORD[outcome]}
      </p>
    </div>
  );
}
