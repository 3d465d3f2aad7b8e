import { useRef, useState } from "react";
import { useCopy } from "../lib/use-copy";
import { Button } from "./button";
import { COPY_WORD } from "./copy-line";
import { Icon } from "./icon";

interface Props {
  /** «key», «token»: what it is. */
  what: string;
  text: string;
  /** What else there is to know, such as how long it lives. */
  note?: string;
  onDone?: () => void;
}

/** A secret that the server keeps no copy of: shown now and never again. To copy it comes before to be done. */
export function SecretOnce({ what, text, note, onDone }: Props) {
  const code = useRef<HTMLElement>(null);
  const [outcome, copy] = useCopy(text, code);
  const [isTaken, setTaken] = useState(false);
  return (
    <div className="flex flex-col gap-3">
      <p className="flex gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2">
        <span className="mt-px text-degraded"><Icon name="warn" /></span>
        <span>
          Copy the {what} now: it is not shown again, and nobody can look it up. {note}
        </span>
      </p>
      <code ref={code} className="rounded-md border border-line bg-bg px-3 py-2 font-mono text-xs break-all select-all">{text}</code>
      <p aria-live="polite" className={outcome === "marked" ? "text-xs text-degraded" : "sr-only"}>{outcome && COPY_WORD[outcome]}</p>
      <div className="flex flex-wrap justify-end gap-2 phone:*:flex-1">
        <Button look={isTaken && onDone ? "plain" : "solid"} onClick={() => {
          copy();
          setTaken(true);
        }}>
          <Icon name={outcome === "copied" ? "check" : "copy"} size={14} /> {outcome === "copied" ? COPY_WORD.copied : `Copy the ${what}`}
        </Button>
        {onDone && <Button look={isTaken ? "solid" : "plain"} onClick={onDone}>I have copied it</Button>}
      </div>
    </div>
  );
}
