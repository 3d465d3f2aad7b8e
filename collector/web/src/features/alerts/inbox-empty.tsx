import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { serverNow } from "../../lib/clock";
import { counted, integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { useMayMake, useTenantsFor } from "../../lib/role";
import { isInScope, narrowed, useScope } from "../../lib/scope";
import { agedCount, shownDevices, STATE_WORD, STATES } from "../../lib/state";
import type { Device, State } from "../../lib/types";
import { useSnapshot } from "../../lib/use-snapshot";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { StateShape } from "../../ui/state-badge";
import { rulesQuery } from "../rules/rules";
import { SetupLink } from "../setup/setup-link";
import type { Inbox } from "./use-inbox";

const LINK = "self-start text-accent underline underline-offset-4 phone:inline-flex phone:min-h-11 phone:items-center";

/** Why there is nothing: no rules, nothing wrong, or a filter. */
export function InboxEmpty({ inbox, onClear }: { inbox: Inbox; onClear: () => void }) {
  const { search, total } = inbox;
  const isNarrowed = Boolean(search.q || search.severity || search.rule || search.device || search.agent);
  if (search.state === "resolved" && !isNarrowed) {
    return <Empty title="Nothing was ever wrong"><p>Alerts that are over are kept here, with why they fired and what was done.</p></Empty>;
  }
  if (total > 0 || isNarrowed || search.state === "resolved") {
    return (
      <Empty title="No alert matches">
        <p>The filter, the severity or the state leaves nothing to show.</p>
        <Button className="self-start" onClick={onClear}>Clear the filter</Button>
      </Empty>
    );
  }
  return <NothingWrong />;
}

/** Of the devices in scope: how many are so, the worst first; null until they are loaded. */
function useTroubled(): readonly { state: State; count: number }[] | null {
  const scope = useScope();
  const isKnown = useTableValue(live.devices, (table) => table.phase === "ready");
  const devices = useSnapshot(live.devices, agedNow, asShown);
  return useMemo(() => {
    if (!isKnown) return null;
    const own = devices.filter((device) => isInScope(scope, device));
    const count = (state: State) => own.filter((device) => device.state === state).length;
    return TROUBLES.map((state) => ({ state, count: count(state) })).filter((one) => one.count > 0);
  }, [isKnown, devices, scope]);
}

const TROUBLES: readonly State[] = STATES.filter((state) => state !== "up");
const agedNow = () => agedCount(live.devices.list(), serverNow());
const asShown = (rows: readonly Device[]) => shownDevices(rows, serverNow());

function NothingWrong() {
  const scope = useScope();
  const canChange = useTenantsFor("admin").length > 0;
  const canSetUp = useMayMake("write");
  const rules = useQuery(rulesQuery(narrowed(scope).tenant));
  const troubled = useTroubled();
  const count = useTableValue(live.devices, (table) => table.list().filter((device) => isInScope(scope, device)).length);
  const on = rules.data?.filter(({ enabled }) => enabled).length;
  if (on === 0) {
    return (
      <Empty title="No rule is on">
        <p>Alerts come from rules, and none of them is switched on: nothing would be told, whatever happens.</p>
        <Link to="/alerts/rules" className={LINK}>{canChange ? "Switch rules on, or make one" : "Look at the rules"}</Link>
      </Empty>
    );
  }
  if (troubled && count === 0) {
    return (
      <Empty title="Nothing is watched yet">
        <p>
          {on === undefined ? "The rules are on" : `${counted(on, "rule")} ${on === 1 ? "is" : "are"} on`}, and there are no devices for them to look at. What goes wrong
          with the first one shows here by itself.
        </p>
        {canSetUp && <SetupLink />}
        <Link to="/alerts/rules" className={LINK}>Look at the rules</Link>
      </Empty>
    );
  }
  // Until the devices are loaded nothing is said of them.
  const isTroubled = troubled !== null && troubled.length > 0;
  return (
    <Empty title={troubled && !isTroubled ? "Nothing is wrong" : "No alert is open"}>
      {isTroubled && <Troubled troubled={troubled} />}
      <p>
        {on === undefined ? "The rules find nothing." : `${counted(on, "rule")} ${on === 1 ? "looks" : "look"} at what the agents tell, and ${foundWords(on, isTroubled)}.`}{" "}
        What goes wrong shows here by itself.
      </p>
      <Link to="/alerts/rules" className={LINK}>Look at the rules</Link>
      <Link to="/alerts" search={{ state: "resolved" }} className={LINK}>Look at what is over</Link>
    </Empty>
  );
}

function foundWords(rules: number, isTroubled: boolean): string {
  if (!isTroubled) return rules === 1 ? "finds nothing" : "find nothing";
  return rules === 1 ? "does not call this wrong" : "none of them calls this wrong";
}

/** «2 devices are degraded, 1 is unknown», each leading to them. */
function Troubled({ troubled }: { troubled: readonly { state: State; count: number }[] }) {
  return (
    <ul aria-label="Devices that are not up" className="flex flex-wrap gap-x-5 gap-y-1 text-text" data-troubled>
      {troubled.map(({ state, count }, at) => (
        <li key={state}>
          <Link to="/fleet" search={{ state }} data-troubled-state={state}
            className="inline-flex min-h-6 items-center gap-2 underline underline-offset-4 phone:min-h-11">
            <StateShape state={state} />
            {at === 0 ? counted(count, "device") : integer(count)} {count === 1 ? "is" : "are"} {STATE_WORD[state].toLowerCase()}
          </Link>
        </li>
      ))}
    </ul>
  );
}
