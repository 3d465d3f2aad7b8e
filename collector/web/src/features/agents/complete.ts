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
export function completeOf({ from, to, total }: AgentCompleteness): Complete | null {
  // Nobody waits for what was not to be asked.
  const due = total.expected - total.not_asked;
  if (due <= 0) return null;
  // Down: one that is missing must not be read as «100 %».
  const share = Math.floor((total.stored / due) * 1000 + 1e-9) / 1000;
  const hours = Math.round((Date.parse(to) - Date.parse(from)) / 3_600_000);
  const rest = [total.single > 0 && `${integer(total.single)} missing one by one`, total.declared > 0 && `${integer(total.declared)} declared lost`, total.awaited > 0 && `${integer(total.awaited)} still at the agent`];
  return { here: `${percent(share)} % of ${integer(due)} polls due in ${hours} h are here`, undeclared: total.undeclared, rest: rest.filter(Boolean).join(", ") };
}
