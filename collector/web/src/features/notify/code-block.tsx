import { useRef } from "react";
import { useCopy } from "../../lib/use-copy";
import { IconButton } from "../../ui/button";
import { COPY_WORD } from "../../ui/copy-line";
import { Icon } from "../../ui/icon";

/** A few lines to copy whole. One that is too long goes on below, further in. */
export function CodeBlock({ label, text }: { label: string; text: string }) {
  const code = useRef<HTMLElement>(null);
  const [outcome, copy] = useCopy(text, code);
  return (
    <div className="relative">
      <pre role="group" aria-label={label} className="rounded-md border border-line bg-bg py-2 pr-10 pl-3 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap">
        <code ref={code}>{text.split("\n").map((line) => <span key={line} className="block pl-4 -indent-4">{line}</span>)}</code>
      </pre>
      <IconButton label={outcome === "copied" ? COPY_WORD.copied : `Copy: ${label.toLowerCase()}`} className="absolute top-0.5 right-0.5" onClick={copy}>
        <Icon name={outcome === "copied" ? "check" : "copy"} />
      </IconButton>
      <p aria-live="polite" className={outcome === "marked" ? "mt-1 text-xs text-degraded" : "sr-only"}>{outcome && COPY_WORD[outcome]}</p>
    </div>
  );
}
