import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, PAGE, take } from "../../lib/api";
import { byName, counted } from "../../lib/format";
import { live } from "../../lib/live-app";
import type { Agent } from "../../lib/types";
import { FieldFrame, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { SidePanel } from "../../ui/side-panel";

export function EditAgent({ agent, onClose }: { agent: Agent | null; onClose: () => void }) {
  return (
    <SidePanel open={agent !== null} onOpenChange={(open) => open || onClose()} title={agent?.name ?? ""}
      description="Its name, and the site where it stands.">
      {agent && <AgentForm agent={agent} onDone={onClose} />}
    </SidePanel>
  );
}

function AgentForm({ agent, onDone }: { agent: Agent; onDone: () => void }) {
  const [site, setSite] = useState(agent.site.id);
  const sites = useQuery({
    queryKey: ["sites", "of", agent.tenant.id],
    queryFn: async () =>
      (await take(api.GET("/api/v1/sites", { params: { query: { tenant: agent.tenant.id, limit: PAGE } } }))).data,
  });
  const save = useMutation({
    mutationFn: (name: string) => {
      const body = { ...(name === agent.name ? {} : { name }), ...(site === agent.site.id ? {} : { site }) };
      return take(api.PATCH("/api/v1/agents/{id}", { params: { path: { id: agent.id } }, body }));
    },
    onSuccess: ({ data }) => {
      live.agents.put(data);
      // Its devices stand where it stands.
      live.refreshDevices();
      onDone();
    },
  });
  const fields = fieldErrors(save.error);
  const choices = (sites.data ?? [agent.site]).toSorted((a, b) => byName(a.name, b.name))
    .map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Form onSubmit={(form) => save.mutate(String(form.get("name") ?? "").trim())} error={save.error} shows={["name", "site"]}
      action="Save" busy={save.isPending} onCancel={onDone}>
      <TextField id="agent-name" name="name" label="Name" autoComplete="off" defaultValue={agent.name} error={fields["name"]} />
      <FieldFrame id="agent-site" label="Site" error={fields["site"]}
        hint="A site of the same tenant. A new one is made on the page «Sites».">
        <Picker id="agent-site" label="Site" value={site} onChange={setSite} choices={choices} invalid={!!fields["site"]} />
      </FieldFrame>
      {site !== agent.site.id && (
        <div className="rounded-md border border-edge bg-degraded-soft px-3 py-2" role="status">
          <p>With it move:</p>
          <ul className="list-disc pl-5">
            <li>{counted(agent.devices, "device")}, history and own credentials included</li>
            <li>what it has measured and not sent yet</li>
          </ul>
          <p className="mt-1">From then on its devices take the credential profiles of the new site.</p>
        </div>
      )}
    </Form>
  );
}
