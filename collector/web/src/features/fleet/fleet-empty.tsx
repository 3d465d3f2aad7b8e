import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { live, useTableValue } from "../../lib/live-app";
import { useMayMake } from "../../lib/role";
import { isInScope, useScope } from "../../lib/scope";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { SetupLink } from "../setup/setup-link";

export function FleetEmpty({ onAdd }: { onAdd: () => void }) {
  useEffect(() => live.ensureAgents(), []);
  const scope = useScope();
  // Null until they are known, then their ids: one alone is the one that scans.
  const agents = useTableValue(live.agents, (table) =>
    table.phase === "ready" ? table.list().filter((agent) => isInScope(scope, agent) && !agent.revoked_at).map(({ id }) => id).join() : null,
  );
  const may = useMayMake("write");
  if (!may) {
    return (
      <Empty title="No devices yet">
        <p>You may look, not change. Ask an operator of your tenant to add the first device.</p>
      </Empty>
    );
  }
  if (agents === "") {
    return (
      <Empty title="No agent yet">
        <p>
          An agent stands at each site, polls the equipment there and sends what it reads over one
          outgoing connection. One line enrols it; then it finds the devices of its site.
        </p>
        <SetupLink />
      </Empty>
    );
  }
  return (
    <Empty title="No devices yet">
      <p>
        An agent is there. Let it scan its network and adopt what it finds, tell it of one router or
        switch, or of all that stand in a table. The first values show here within one interval.
      </p>
      <span className="flex flex-wrap gap-2">
        <SetupLink {...(agents && !agents.includes(",") ? { agent: agents } : {})}>Scan a network</SetupLink>
        <Button onClick={onAdd}>Add one device</Button>
        <ImportLink />
      </span>
    </Empty>
  );
}

export function FleetNoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No device matches">
      <p>The filter or the state leaves nothing to show.</p>
      <Button className="self-start" onClick={onClear}>
        Clear the filter
      </Button>
    </Empty>
  );
}

/** A table of devices, added at once. */
export function ImportLink({ className = "" }: { className?: string }) {
  return (
    <Link to="/fleet/import" data-import
      className={`inline-flex h-8 items-center rounded-md border border-edge bg-surface px-3 hover:bg-hover phone:min-h-11 ${className}`}>
      Import a table
    </Link>
  );
}
