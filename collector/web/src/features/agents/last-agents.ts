import { lastPlace } from "../../lib/last-place";

export interface AgentsSearch {
  /** The agent beside the list. */
  open?: string | undefined;
  show?: "trouble" | undefined;
}

export const { last: lastAgents, remember: rememberAgents } = lastPlace<AgentsSearch>({});
