import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, take } from "../../lib/api";
import { counted } from "../../lib/format";
import { useTenantsFor } from "../../lib/role";
import { narrowed, useScope } from "../../lib/scope";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { rulesQuery } from "../rules/rules";
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

function NothingWrong() {
  const scope = useScope();
  const canChange = useTenantsFor("admin").length > 0;
  const rules = useQuery(rulesQuery(narrowed(scope).tenant));
  const devices = useQuery({
    queryKey: ["devices", "count", scope.tenant?.id ?? ""],
    queryFn: async () => (await take(api.GET("/api/v1/devices", { params: { query: { ...narrowed(scope), limit: 1 } } }))).data.length,
  });
  const on = rules.data?.filter(({ enabled }) => enabled).length;
  if (on === 0) {
    return (
      <Empty title="No rule is on">
        <p>Alerts come from rules, and none of them is switched on: nothing would be told, whatever happens.</p>
        <Link to="/alerts/rules" className={LINK}>{canChange ? "Switch rules on, or make one" : "Look at the rules"}</Link>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing is wrong">
      <p>
        {on === undefined ? "The rules find nothing." : `${counted(on, "rule")} ${on === 1 ? "looks" : "look"} at what the agents tell, and ${on === 1 ? "finds" : "find"} nothing.`}{" "}
        {devices.data === 0 && "There are no devices yet, so there is little to find. "}
        What goes wrong shows here by itself.
      </p>
      <Link to="/alerts/rules" className={LINK}>Look at the rules</Link>
      <Link to="/alerts" search={{ state: "resolved" }} className={LINK}>Look at what is over</Link>
    </Empty>
  );
}
