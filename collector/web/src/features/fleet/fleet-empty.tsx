import { lazy, Suspense, useEffect, useState } from "react";
import { live, useTableValue } from "../../lib/live-app";
import { useMayMake } from "../../lib/role";
import { isInScope, useScope } from "../../lib/scope";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";

const NewAgent = lazy(() => import("../agents/new-agent").then((m) => ({ default: m.NewAgent })));

export function FleetEmpty({ onAdd }: { onAdd: () => void }) {
  const [making, setMaking] = useState(false);
  return (
    <>
      <NextStep onAdd={onAdd} onNewAgent={() => setMaking(true)} />
      {/* Stays when its agent comes and the next step is another one. */}
      <Suspense>{making && <NewAgent open onOpenChange={setMaking} />}</Suspense>
    </>
  );
}

function NextStep({ onAdd, onNewAgent }: { onAdd: () => void; onNewAgent: () => void }) {
  useEffect(() => live.ensureAgents(), []);
  const scope = useScope();
  const agents = useTableValue(live.agents, (table) =>
    table.phase === "ready" ? table.list().filter((agent) => isInScope(scope, agent)).length : null,
  );
  const may = useMayMake("write");
  if (!may) {
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
          outgoing connection. Make the first one: its token and the commands that use it come next.
        </p>
        <Button look="solid" className="self-start" onClick={onNewAgent}>
          New agent
        </Button>
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
      <p>The filter or the state leaves nothing to show.</p>
      <Button className="self-start" onClick={onClear}>
        Clear the filter
      </Button>
    </Empty>
  );
}
