import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { byName, NONE } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import type { Agent, Site } from "../../lib/types";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { StateShape } from "../../ui/state-badge";
import { AgentWait, EnrolLines, type MadeToken, useNewAgent } from "../agents/enrol";
import { notQuic, transportWord } from "../agents/link";

interface Props {
  site: Pick<Site, "id" | "name" | "tenant">;
  agent: Agent | undefined;
  onAgent: (id: string | undefined) => void;
}

/** The agent of the site: one that is there, or a line that brings one. */
export function AgentStep({ site, agent, onAgent }: Props) {
  const [made, setMade] = useState<MadeToken | null>(null);
  const found = useNewAgent(site.id, made?.at ?? Number.POSITIVE_INFINITY);
  const id = found?.id;
  // One that comes by the line is the one of this page, whatever is reloaded.
  useEffect(() => {
    if (id) onAgent(id);
    // oxlint-disable-next-line react/exhaustive-deps -- once for each that comes
  }, [id]);
  const make = useMutation({
    mutationFn: () => take(api.POST("/api/v1/tokens", { body: { tenant: site.tenant.id, site: site.id } })),
    onSuccess: ({ data }) => setMade({ token: data, at: serverNow() }),
  });
  const anew = () => {
    setMade(null);
    onAgent(undefined);
  };
  if (agent?.state === "up") return <Connected agent={agent} onAnother={anew} />;
  if (agent) {
    return (
      <>
        {made && <EnrolLines token={made.token} />}
        <AgentWait id={agent.id} since={Date.parse(agent.created_at)} />
        <Button className="self-start" onClick={anew}>Another agent</Button>
      </>
    );
  }
  if (made) {
    return (
      <>
        <EnrolLines token={made.token} />
        <AgentWait id={null} since={made.at} />
      </>
    );
  }
  return (
    <>
      <p className="max-w-[62ch] text-muted">
        An agent runs on a machine at the site: a server, a small board, anything that stays on. It opens one connection to this
        collector; nothing at the site listens.
      </p>
      <Present site={site.id} onAgent={onAgent} />
      <Button look="solid" className="self-start" disabled={make.isPending} onClick={() => make.mutate()} data-make-line>
        Show the line that enrols one
      </Button>
      {make.error && <ErrorNote error={make.error} />}
    </>
  );
}

/** Those that the site has already. */
function Present({ site, onAgent }: { site: string; onAgent: (id: string) => void }) {
  useTableValue(live.agents, (table) => table.list().map((one) => `${one.site.id} ${one.state}`).join());
  const agents = live.agents.list().filter((one) => one.site.id === site && !one.revoked_at).toSorted((a, b) => byName(a.name, b.name));
  if (agents.length === 0) return null;
  return (
    <div className="flex flex-wrap items-center gap-1.5" data-present>
      <span className="mr-1 text-xs text-muted">The site has:</span>
      {agents.map((one) => (
        <Button key={one.id} className="h-7 max-w-full" onClick={() => onAgent(one.id)}>
          <StateShape state={one.state} size={10} /> <span className="clip">{one.name}</span>
        </Button>
      ))}
    </div>
  );
}

function Connected({ agent, onAnother }: { agent: Agent; onAnother: () => void }) {
  const reason = notQuic(agent);
  return (
    <div data-agent-here>
      <p className="flex flex-wrap items-center gap-x-3 text-muted">
        <span className="font-medium text-text">{agent.name}</span>
        <span>version {agent.version ?? NONE}{agent.platform && ` for ${agent.platform}`}</span>
        <span>{transportWord(agent.transport)}{reason && <span className="text-degraded"> {reason.word}</span>}</span>
        <span>from {agent.remote_addr ?? NONE}</span>
        <Button look="quiet" className="h-7 phone:-ml-3" onClick={onAnother}>Another agent</Button>
      </p>
      {reason?.hint && <p className="max-w-[62ch] text-xs text-muted">{reason.hint}</p>}
    </div>
  );
}
