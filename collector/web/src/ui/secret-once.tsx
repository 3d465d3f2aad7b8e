import { Button } from "./button";
import { CopyLine } from "./copy-line";
import { Icon } from "./icon";

interface Props {
  /** «key», «token»: what it is. */
  what: string;
  text: string;
  /** What else there is to know, such as how long it lives. */
  note?: string;
  onDone?: () => void;
}

/** A secret that the server keeps no copy of: shown now and never again. */
export function SecretOnce({ what, text, note, onDone }: Props) {
  return (
    <div className="flex flex-col gap-3">
      <p className="flex gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2">
        <span className="mt-px text-degraded"><Icon name="warn" /></span>
        <span>
          Copy the {what} now: it is not shown again, and nobody can look it up. {note}
        </span>
      </p>
      <CopyLine label={`Copy the ${what}`} text={text} />
      {onDone && <Button look="solid" className="self-end" onClick={onDone}>I have copied it</Button>}
    </div>
  );
}
