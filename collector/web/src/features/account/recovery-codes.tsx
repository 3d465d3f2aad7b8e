import { useRef, useState } from "react";
import { saveText } from "../../lib/save-text";
import { useCopy } from "../../lib/use-copy";
import { Button } from "../../ui/button";
import { COPY_WORD } from "../../ui/copy-line";
import { Icon } from "../../ui/icon";

const FILE = "farwatch-recovery-codes.txt";

/** For who loses the authenticator. Shown now and never again. */
export function RecoveryCodes({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  const [isKept, setKept] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const [outcome, copy] = useCopy(codes.join("\n"), list);
  return (
    <div className="flex flex-col gap-4">
      <p className="flex gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2">
        <span className="mt-px text-degraded"><Icon name="warn" /></span>
        <span>
          The second factor is on. Keep these codes where your phone is not: each lets you in once without it.
          They are not shown again.
        </span>
      </p>
      <ul ref={list} aria-label="Recovery codes" className="grid grid-cols-2 gap-x-6 gap-y-1 rounded-md border border-line bg-bg p-3 font-mono">
        {codes.map((code) => <li key={code}>{code}</li>)}
      </ul>
      <div className="flex flex-wrap gap-2">
        <Button onClick={copy}><Icon name={outcome === "copied" ? "check" : "copy"} size={14} /> Copy all</Button>
        <Button onClick={() => saveText(`${codes.join("\n")}\n`, FILE)}>Download as a file</Button>
      </div>
      <p aria-live="polite" className={outcome === "marked" ? "text-xs text-degraded" : "sr-only"}>{outcome && COPY_WORD[outcome]}</p>
      <label className="flex items-center gap-2 phone:min-h-11">
        <input type="checkbox" className="size-4 accent-accent" checked={isKept} onChange={(event) => setKept(event.target.checked)} />
        I have kept them
      </label>
      <Button look="solid" className="self-end" disabled={!isKept} onClick={onDone}>Done</Button>
    </div>
  );
}
