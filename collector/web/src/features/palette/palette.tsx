import { useNavigate, useRouterState } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Dialog } from "radix-ui";
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import type { Command as PageCommand } from "../../lib/commands";
import { useMe } from "../../lib/use-person";
import { Icon } from "../../ui/icon";
import { KeyCaps } from "../../ui/key-caps";
import { type Offer, offered, search, type Target } from "./rank";
import { recentOf, rememberRecent } from "./recent";
import { loadTargets, useTargets } from "./use-targets";

/** Before anything is typed: what burns, then what can be done. */
const SHORT: readonly Offer[] = [["Open alerts", 5], ["Actions", 50], ["Saved views", 20], ["Pages", 20]];

/** Finds devices, alerts, pages and all that can be done, by typing. */
export function Palette({ commands, onClose }: { commands: readonly PageCommand[]; onClose: () => void }) {
  useEffect(loadTargets, []);
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-veil" />
        <Dialog.Content aria-describedby={undefined} data-palette
          onKeyDown={(event) => {
            if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
            event.preventDefault();
            onClose();
          }}
          className="fixed top-[10vh] left-1/2 z-50 flex max-h-[76vh] w-[calc(100vw-24px)] max-w-[640px] -translate-x-1/2 animate-[rise_120ms_ease-out]
            flex-col overflow-hidden rounded-xl border border-edge bg-raised shadow-(--shadow) phone:top-2 phone:max-h-[calc(100dvh-16px)] phone:w-[calc(100vw-16px)]">
          <Dialog.Title className="sr-only">Find anything</Dialog.Title>
          <Finder commands={commands} onClose={onClose} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Finder({ commands, onClose }: { commands: readonly PageCommand[]; onClose: () => void }) {
  const user = useMe()?.user.id ?? "";
  const navigate = useNavigate();
  const entries = useTargets(commands);
  const [recent] = useState(() => recentOf(user));
  const here = useRouterState({ select: ({ location }) => location.pathname });
  const [query, setQuery] = useState("");
  const settled = useDeferredValue(query);
  const groups = useMemo(
    () => (settled.trim() ? search(entries, settled, recent) : offered(entries, recent, SHORT, here)), [entries, settled, recent, here]);
  // The first of what is found, until the keys or the pointer have moved on.
  const ids = groups.flatMap(({ targets }) => targets.map(({ id }) => id));
  const [moved, setMoved] = useState("");
  const at = ids.includes(moved) ? moved : (ids[0] ?? "");
  const choose = ({ id, href, run }: Target) => {
    rememberRecent(user, id);
    onClose();
    if (href) void navigate({ href });
    // The palette gives the focus back first: what opens then keeps it.
    else if (run) setTimeout(run);
  };
  return (
    <Command label="Find anything" shouldFilter={false} loop value={at} onValueChange={setMoved} className="flex min-h-0 flex-col">
      <div className="flex items-center gap-2.5 border-b border-line px-4">
        <span className="text-faint"><Icon name="search" /></span>
        <Command.Input value={query} onValueChange={(text) => {
          setQuery(text);
          setMoved("");
        }} placeholder="Find a device, an alert, a page, an action…"
          className="h-12 min-w-0 flex-1 bg-transparent text-base outline-none phone:h-13" />
        <button type="button" onClick={onClose} className="rounded px-1.5 text-muted hover:text-text phone:min-h-11">
          <span className="phone:hidden"><KeyCaps caps={["Esc"]} /></span><span className="desk:sr-only">Close</span>
        </button>
      </div>
      <Command.List className="min-h-0 flex-1 overflow-y-auto p-1.5">
        <Command.Empty className="px-3 py-8 text-center text-muted">
          Nothing is called «{query.trim()}». Devices are found by name, address, model, site, tenant and tag.
        </Command.Empty>
        {groups.map(({ label, targets }) => (
          <Command.Group key={label} heading={label}
            className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted">
            {targets.map((target) => <Row key={target.id} target={target} isNamed={label === "Recent"} onSelect={() => choose(target)} />)}
          </Command.Group>
        ))}
      </Command.List>
      <p className="flex gap-4 border-t border-line px-4 py-2 text-xs text-muted phone:hidden">
        <span><KeyCaps caps={["↑", "↓"]} /> move</span><span><KeyCaps caps={["Enter"]} /> open</span>
      </p>
    </Command>
  );
}

function Row({ target: { id, title, detail, keys, group }, isNamed, onSelect }: { target: Target; isNamed: boolean; onSelect: () => void }) {
  return (
    <Command.Item value={id} onSelect={onSelect} data-target={id}
      className="flex min-h-8 cursor-default items-center gap-3 rounded-md px-2.5 data-[selected=true]:bg-selected phone:min-h-11">
      <span className="clip min-w-16 shrink-0 max-w-[60%] font-medium">{title}</span>
      <span className="clip min-w-0 flex-1 text-xs text-muted">{detail}</span>
      {isNamed && <span className="shrink-0 text-xs text-faint">{group}</span>}
      {keys && <KeyCaps caps={keys.split(" ")} />}
    </Command.Item>
  );
}
