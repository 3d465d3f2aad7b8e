/** How complete what an agent's devices were polled is, of all of them together. */
import { integer, percent } from "../../lib/format";
import type { AgentCompleteness } from "../../lib/types";

export interface Complete {
  /** «99.8 % of 15,887 polls due in 24 h are here». */
  here: string;
  /** Polls that are missing, and nothing says why. */
  undeclared: number;
  /** What is known of the others that are not here. */
  rest: string;
}

/** Null where none was due. */
export function completeOf({ from, to, devices }: AgentCompleteness): Complete | null {
  const sum = { expected: 0, stored: 0, declared: 0, awaited: 0, not_asked: 0, undeclared: 0 };
  // Between two that are here: an older collector does not tell of them.
  let single = 0;
  for (const one of devices) {
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += one[name];
    single += (one as { single?: number }).single ?? 0;
  }
  // Nobody waits for what was not to be asked.
  const due = sum.expected - sum.not_asked;
  if (due <= 0) return null;
  // Down: one that is missing must not be read as «100 %».
  const share = Math.floor((sum.stored / due) * 1000 + 1e-9) / 1000;
  const hours = Math.round((Date.parse(to) - Date.parse(from)) / 3_600_000);
  const rest = [single > 0 && `${integer(single)} missing one by one`, sum.declared > 0 && `${integer(sum.declared)} declared lost`, sum.awaited > 0 && `${integer(sum.awaited)} still at the agent`];
  return { here: `${percent(share)} % of ${integer(due)} polls due in ${hours} h are here`, undeclared: sum.undeclared, rest: rest.filter(Boolean).join(", ") };
}
