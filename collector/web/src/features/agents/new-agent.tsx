import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, PAGE, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import type { Token } from "../../lib/types";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { SidePanel } from "../../ui/side-panel";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { AgentWait, EnrolLines, type MadeToken, useNewAgent } from "./enrol";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function NewAgent({ open, onOpenChange }: Props) {
  const [made, setMade] = useState<MadeToken | null>(null);
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
      description={made ? "Run it on the machine at the site." : "A one-time token lets one agent enrol for one site."}
    >
      {made ? (
        <Enrol made={made} onDone={() => change(false)} />
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

function Enrol({ made, onDone }: { made: MadeToken; onDone: () => void }) {
  const { token, at } = made;
  const found = useNewAgent(token.site.id, at);
  return (
    <div className="flex flex-col gap-4">
      <EnrolLines token={token} />
      <AgentWait id={found?.id ?? null} since={at} />
      <div className="flex items-center justify-end gap-3">
        {found?.isUp && (
          <Link to="/setup" search={{ agent: found.id }} className="text-accent underline underline-offset-4 phone:inline-flex phone:min-h-11 phone:items-center">
            Scan its network
          </Link>
        )}
        <Button look={found?.isUp ? "solid" : "plain"} onClick={onDone}>Done</Button>
      </div>
    </div>
  );
}
