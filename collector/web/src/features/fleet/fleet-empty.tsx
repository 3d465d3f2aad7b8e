import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { live, useTableValue } from "../../lib/live-app";
import { useMay } from "../../lib/role";
import { Button } from "../../ui/button";
import { CopyLine } from "../../ui/copy-line";
import { Empty } from "../../ui/empty";

export function FleetEmpty({ onAdd }: { onAdd: () => void }) {
  useEffect(() => live.ensureAgents(), []);
  const agents = useTableValue(live.agents, (table) =>
    table.phase === "ready" ? table.size : null,
  );
  const may = useMay();
  if (!may.write) {
    return (
      <Empty title="No devices yet">
        <p>You may look, not change. Ask an operator of your tenant to add the first device.</p>
      </Empty>
    );
  }
  if (agents === 0) {
    return (
      <Empty title="No agent yet">
        <p>
          An agent stands at each site, polls the equipment there and sends what it reads over one
          outgoing connection. Make a one-time token for the first site, then enrol:
        </p>
        <CopyLine label="Copy the command" text="farwatch-agent enroll --token-file -" />
        <Link
          to="/agents"
          className="inline-flex h-9 items-center self-start rounded-md bg-solid px-4 font-medium text-on-solid"
        >
          Make a token
        </Link>
      </Empty>
    );
  }
  return (
    <Empty title="No devices yet">
      <p>
        Tell an agent which router or switch to watch: its address and an SNMP community that may
        read. The first values show here within one interval.
      </p>
      <Button look="solid" className="self-start" onClick={onAdd}>
        Add the first device
      </Button>
    </Empty>
  );
}

export function FleetNoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty title="No device matches">
      <p>The filter, the state or the tenant leaves nothing to show.</p>
      <Button className="self-start" onClick={onClear}>
        Clear the filter
      </Button>
    </Empty>
  );
}
