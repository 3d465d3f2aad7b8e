import { useState } from "react";
import { keysEnabled, setKeysEnabled } from "../../lib/keys";
import { Modal } from "../../ui/modal";

const KEYS: readonly [string, string][] = [
  ["g n", "Go to Now"],
  ["g i", "Go to Sites"],
  ["g f", "Go to Fleet"],
  ["g a", "Go to Alerts"],
  ["g c", "Go to Config"],
  ["g e", "Go to Agents"],
  ["g s", "Go to Settings"],
  ["g k", "Go to API keys"],
  ["T", "Switch the tenant"],
  ["/", "Filter"],
  ["j  k", "Next, previous row"],
  ["x", "Mark the row, to change it with others"],
  ["Enter", "Show the row beside the list; again: open its page"],
  ["a", "Acknowledge the alert"],
  ["s", "Silence the alert"],
  ["u", "Undo silence or acknowledgement"],
  ["Esc", "Close what is beside, back, clear the filter"],
  ["1  …  5", "The tabs of a device"],
  ["[  ]", "Shift the time range"],
  ["+  =", "Zoom in, zoom out"],
  ["w", "Compare with the week before, the day before"],
  [",  .", "Event before, next event"],
  ["t", "Pick a time range"],
  ["p", "Poll the device now"],
  ["?", "This help"],
];

export function KeyHelp({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const [on, setOn] = useState(keysEnabled);
  return (
    <Modal open={open} onOpenChange={onOpenChange} title="Keys" description="They never fire while you type.">
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-5 gap-y-2">
        {KEYS.map(([keys, what]) => (
          <div key={keys} className="contents">
            <dt className="flex gap-1">
              {keys.split(/\s+/).map((key) => (
                <kbd
                  key={key}
                  className="min-w-6 rounded border border-edge bg-surface px-1.5 py-0.5 text-center font-mono text-2xs"
                >
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-3 text-muted">
        A click on a row does what Enter does; a double click or its name opens its page at once. What is open beside a list
        follows <kbd className="font-mono">j</kbd> and <kbd className="font-mono">k</kbd>.
      </p>
      <label className="mt-4 flex min-h-8 items-center gap-2 border-t border-line pt-3">
        <input
          type="checkbox"
          className="size-4 accent-accent"
          checked={on}
          onChange={(event) => {
            setOn(event.target.checked);
            setKeysEnabled(event.target.checked);
          }}
        />
        Single-key shortcuts
      </label>
    </Modal>
  );
}
