import { useState } from "react";
import { Icon } from "./icon";
import { IconButton } from "./button";

/** A line to copy whole. `secret` is told apart so that it is not read out as prose. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    } catch {
      // The clipboard needs https or loopback; the text stays selectable.
      setCopied(false);
    }
  };
  return (
    <div className="flex items-center gap-1 rounded-md border border-line bg-bg py-0.5 pr-0.5 pl-3">
      <code className="min-w-0 flex-1 py-1.5 font-mono text-xs break-all select-all">{text}</code>
      <IconButton label={copied ? "Copied" : label} onClick={() => void copy()}>
        <Icon name={copied ? "check" : "copy"} />
      </IconButton>
      <span className="sr-only" aria-live="polite">
        {copied ? "Copied" : ""}
      </span>
    </div>
  );
}
