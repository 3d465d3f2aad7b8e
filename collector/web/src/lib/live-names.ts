/** The names of the rows that the live store holds, made anew only when one of them changes. */
import { live, useTableValue } from "./live-app";
import type { LiveTable } from "./live-table";
import { Names, type Placed } from "./names";

function namesOf<T extends Placed>(table: LiveTable<T>): () => Names {
  let made = -1;
  let names = new Names([]);
  return () => {
    if (made !== table.naming) {
      made = table.naming;
      names = new Names(table.list());
    }
    return names;
  };
}

export const deviceNames = namesOf(live.devices);
export const agentNames = namesOf(live.agents);

export function useDeviceNames(): Names {
  useTableValue(live.devices, (table) => table.naming);
  return deviceNames();
}

export function useAgentNames(): Names {
  useTableValue(live.agents, (table) => table.naming);
  return agentNames();
}
