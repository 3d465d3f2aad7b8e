import { useState } from "react";
import { COMMAND_IDS, COMMANDS, type CommandId, keyCaps } from "../../lib/command-catalog";
import type { Command } from "../../lib/commands";
import { keysEnabled, setKeysEnabled } from "../../lib/keys";
import { CheckField } from "../../ui/check-field";
import { Icon } from "../../ui/icon";
import { KeyCaps } from "../../ui/key-caps";
import { Modal } from "../../ui/modal";

const WITH_KEYS = COMMAND_IDS.filter((id) => COMMANDS[id].keys);
/** The ways to other pages come last. */
const GROUPS = [...new Set(WITH_KEYS.map((id) => COMMANDS[id].group))].toSorted((a, b) => Number(a === "Go to") - Number(b === "Go to"));

/** The keys of this page by what they are for, and folded away those of the others. `commands`: what works here. */
export function KeyHelp({ commands, onClose }: { commands: readonly Command[]; onClose: () => void }) {
  const [on, setOn] = useState(keysEnabled);
  const works = new Set(commands.map(({ id }) => id));
  const others = WITH_KEYS.filter((id) => !works.has(id));
  return (
    <Modal open onOpenChange={(open) => open || onClose()} title="Keys" isWide description="On this page, as it is now. They never fire while you type.">
      <Groups ids={WITH_KEYS.filter((id) => works.has(id))} works />
      <p className="mt-1 text-muted">
        A click on a row does what Enter does; a double click or its name opens its page at once. What is open beside a list
        follows <kbd className="font-mono">j</kbd> and <kbd className="font-mono">k</kbd>.
      </p>
      {others.length > 0 && (
        <details className="group mt-2">
          <summary className="flex min-h-8 cursor-pointer items-center gap-1.5 text-muted hover:text-text phone:min-h-11">
            <span className="-rotate-90 group-open:rotate-0"><Icon name="chevron" size={14} /></span> Keys of other pages
          </summary>
          <Groups ids={others} works={false} />
        </details>
      )}
      <div className="sticky bottom-0 -mx-5 mt-3 -mb-4 border-t border-line bg-raised px-5 py-1">
        <CheckField label="Single-key shortcuts" checked={on} onChange={(next) => {
          setOn(next);
          setKeysEnabled(next);
        }} />
      </div>
    </Modal>
  );
}

function Groups({ ids, works }: { ids: readonly CommandId[]; works: boolean }) {
  return (
    <div className="columns-2 gap-x-8 phone:columns-1">
      {GROUPS.map((group) => [group, ids.filter((id) => COMMANDS[id].group === group)] as const).filter(([, own]) => own.length > 0).map(([group, own]) => (
        <section key={group} className="mb-4 break-inside-avoid">
          <h3 className="mb-1 text-xs font-semibold text-muted">{group}</h3>
          <ul>
            {own.map((id) => {
              const { title, keys = "" } = COMMANDS[id];
              return (
                <li key={id} className={`flex min-h-6 items-center gap-3 ${works ? "" : "text-muted"}`} data-key={keys} data-works={works}>
                  <span className="min-w-0 flex-1">{title}</span>
                  <KeyCaps caps={keyCaps(keys)} />
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </div>
  );
}
