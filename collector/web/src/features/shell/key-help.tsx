import { useState } from "react";
import { COMMAND_IDS, COMMANDS, type CommandId, keyCaps } from "../../lib/command-catalog";
import type { Command } from "../../lib/commands";
import { keysEnabled, setKeysEnabled } from "../../lib/keys";
import { KeyCaps } from "../../ui/key-caps";
import { Modal } from "../../ui/modal";

const WITH_KEYS = COMMAND_IDS.filter((id) => COMMANDS[id].keys);
const GROUPS = [...new Set(WITH_KEYS.map((id) => COMMANDS[id].group))];

/** All keys by what they are for; those of this page are told apart from the others. `commands`: what works on it. */
export function KeyHelp({ commands, onClose }: { commands: readonly Command[]; onClose: () => void }) {
  const [on, setOn] = useState(keysEnabled);
  const works = new Set(commands.map(({ id }) => id));
  return (
    <Modal open onOpenChange={(open) => open || onClose()} title="Keys" isWide
      description="They never fire while you type. Faint ones do nothing on this page as it is now.">
      <div className="columns-2 gap-x-8 phone:columns-1">
        {GROUPS.map((group) => (
          <section key={group} className="mb-4 break-inside-avoid">
            <h3 className="mb-1 text-xs font-semibold text-muted">{group}</h3>
            <ul>
              {WITH_KEYS.filter((id) => COMMANDS[id].group === group).map((id) => <Line key={id} id={id} works={works.has(id)} />)}
            </ul>
          </section>
        ))}
      </div>
      <p className="mt-1 text-muted">
        A click on a row does what Enter does; a double click or its name opens its page at once. What is open beside a list
        follows <kbd className="font-mono">j</kbd> and <kbd className="font-mono">k</kbd>.
      </p>
      <label className="mt-4 flex min-h-8 items-center gap-2 border-t border-line pt-3">
        <input
          type="checkbox"
          className="size-4"
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

function Line({ id, works }: { id: CommandId; works: boolean }) {
  const { title, keys = "" } = COMMANDS[id];
  return (
    <li className={`flex min-h-6 items-center gap-3 ${works ? "" : "text-faint"}`} data-key={keys} data-works={works}>
      <span aria-hidden="true" className={`size-1.5 shrink-0 rounded-full ${works ? "bg-accent" : "border border-edge"}`} />
      <span className="min-w-0 flex-1">{title}{!works && <span className="sr-only">, not on this page</span>}</span>
      <KeyCaps caps={keyCaps(keys)} />
    </li>
  );
}
