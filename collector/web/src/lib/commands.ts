/** Which commands work now: each page registers its own while it is there. */
import { COMMANDS, type CommandId, type CommandInfo } from "./command-catalog";

/** Left out, or false: it does not work now. */
export type Runs = Partial<Record<CommandId, (() => void) | false | undefined>>;

/** Who gets a key that several want: what lies over a page before the page, and that before the frame. */
export const LAYER = { frame: 0, page: 1, over: 2 } as const;

interface Registered {
  layer: number;
  read: () => Runs;
}

export interface Command extends CommandInfo {
  id: CommandId;
  run: () => void;
}

/** Where a sign wants Shift on many keyboards: the key without it does the same, and never the opposite. */
const MISSED_SHIFT: Readonly<Record<string, string>> = { "=": "+" };

export class CommandRegistry {
  readonly #registered = new Set<Registered>();

  /** `read` is asked each time, so that it may tell of what the page has become. */
  register(read: () => Runs, layer: number): () => void {
    const entry: Registered = { layer, read };
    this.#registered.add(entry);
    return () => this.#registered.delete(entry);
  }

  /** All that work now, those of the page before those of the frame; of the same one, the newest of the highest layer. */
  list(): Command[] {
    const found = new Map<CommandId, Command>();
    for (const { read } of this.#ordered().toReversed()) {
      for (const [id, run] of Object.entries(read()) as [CommandId, Runs[CommandId]][]) {
        if (run && !found.has(id)) found.set(id, { ...COMMANDS[id], id, run });
      }
    }
    return [...found.values()];
  }

  /** What each key does now. */
  bindings(): Record<string, () => void> {
    const by: Record<string, () => void> = {};
    for (const { read } of this.#ordered()) {
      for (const [id, run] of Object.entries(read()) as [CommandId, Runs[CommandId]][]) {
        const { keys } = COMMANDS[id];
        if (run && keys) by[keys] = run;
      }
    }
    for (const [missed, meant] of Object.entries(MISSED_SHIFT)) if (by[meant]) by[missed] ??= by[meant];
    return by;
  }

  #ordered(): Registered[] {
    return [...this.#registered].toSorted((a, b) => a.layer - b.layer);
  }
}

export const registry = new CommandRegistry();
