import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, PAGE, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { live, useTableValue } from "../../lib/live-app";
import type { Token } from "../../lib/types";
import { Button } from "../../ui/button";
import { CopyLine } from "../../ui/copy-line";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { SecretOnce } from "../../ui/secret-once";
import { SidePanel } from "../../ui/side-panel";
import { StateShape } from "../../ui/state-badge";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { dateTime } from "../../lib/format";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function NewAgent({ open, onOpenChange }: Props) {
  const [made, setMade] = useState<{ token: Token; at: number } | null>(null);
  const change = (next: boolean) => {
    if (!next) setMade(null);
    onOpenChange(next);
  };
  return (
    <SidePanel
      held={made !== null}
      open={open}
      onOpenChange={change}
      title="New agent"
      description={made ? "Run these on the machine at the site." : "A one-time token lets one agent enrol for one site."}
    >
      {made ? (
        <Enrol token={made.token} since={made.at} onDone={() => change(false)} />
      ) : (
        <TokenForm onMade={(token) => setMade({ token, at: serverNow() })} onCancel={() => change(false)} />
      )}
    </SidePanel>
  );
}

function TokenForm({ onMade, onCancel }: { onMade: (token: Token) => void; onCancel: () => void }) {
  const sites = useQuery({
    queryKey: ["sites"],
    queryFn: async () =>
      (await take(api.GET("/api/v1/sites", { params: { query: { limit: PAGE } } }))).data,
  });
  const [tenant, setTenant] = useState(useFirstTenant("write"));
  const make = useMutation({
    mutationFn: (body: { tenant: string; site: string }) => take(api.POST("/api/v1/tokens", { body })),
    onSuccess: ({ data }) => onMade(data),
  });
  const fields = fieldErrors(make.error);
  return (
    <Form onSubmit={(form) => make.mutate({ tenant, site: String(form.get("site") ?? "").trim() })}
      error={make.error} shows={["tenant", "site"]} action="Make the token" busy={make.isPending}
      disabled={!tenant} onCancel={onCancel}>
      <TenantField id="tenant" need="write" value={tenant} onChange={setTenant} error={fields["tenant"]} />
      <TextField id="site" name="site" label="Site" list="site-names" autoComplete="off" required
        placeholder="Rooftop North" hint="A new name makes a new site." error={fields["site"]} />
      <datalist id="site-names">
        {(sites.data ?? []).filter((site) => site.tenant.id === tenant).map((site) => (
          <option key={site.id} value={site.name}>{site.name}</option>
        ))}
      </datalist>
    </Form>
  );
}

function Enrol({ token, since, onDone }: { token: Token; since: number; onDone: () => void }) {
  const found = useTableValue(live.agents, (table) => {
    const agent = table
      .list()
      .find((a) => a.site.id === token.site.id && Date.parse(a.created_at) >= since - 1000);
    return agent ? `${agent.name}\n${agent.state}` : "";
  });
  const [name, state] = found.split("\n");
  return (
    <div className="flex flex-col gap-4">
    <ol className="flex flex-col gap-4">
      <li className="flex flex-col gap-1.5">
        <p>The token for <strong>{token.site.name}</strong>.</p>
        <SecretOnce what="token" text={token.token}
          note={`It works once, until ${dateTime(token.expires_at)}.`} />
      </li>
      <li className="flex flex-col gap-1.5">
        <p>Enrol: paste the token, then press Enter and Ctrl-D.</p>
        <CopyLine label="Copy the command" text="farwatch-agent enroll --token-file -" />
      </li>
      <li className="flex flex-col gap-1.5">
        <p>Start it.</p>
        <CopyLine label="Copy the command" text="farwatch-agent run" />
      </li>
    </ol>
      <div className="flex items-center gap-3 rounded-md border border-line bg-surface px-3 py-2.5" role="status">
        <StateShape state={state === "up" ? "up" : "unknown"} />
        <span className="flex-1">
          {!name && "Waiting for the agent…"}
          {name && state === "up" && <><strong>{name}</strong> is connected.</>}
          {name && state !== "up" && <><strong>{name}</strong> is enrolled. Waiting for it to connect…</>}
        </span>
        <Button look={state === "up" ? "solid" : "plain"} onClick={onDone}>Done</Button>
      </div>
    </div>
  );
}
