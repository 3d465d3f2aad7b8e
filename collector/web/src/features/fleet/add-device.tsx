import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, take } from "../../lib/api";
import { byName } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { isInScope, useScope } from "../../lib/scope";
import type { NewDevice } from "../../lib/types";
import { useKnownTags } from "../../lib/use-known-tags";
import { FieldFrame, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { SidePanel } from "../../ui/side-panel";
import { TagField } from "../../ui/tag-field";
import { INTERVALS } from "./intervals";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function AddDevice({ open, onOpenChange }: Props) {
  return (
    <SidePanel
      open={open}
      onOpenChange={onOpenChange}
      title="Add device"
      description="The agent of the site polls it; the first values come within one interval."
    >
      <AddDeviceForm onDone={() => onOpenChange(false)} />
    </SidePanel>
  );
}

function useAgentChoices() {
  useEffect(() => live.ensureAgents(), []);
  useTableValue(live.agents, (table) => table.membership);
  const scope = useScope();
  const names = useAgentNames();
  return live.agents
    .list()
    .filter((agent) => !agent.revoked_at && isInScope(scope, agent))
    .toSorted((a, b) => byName(a.name, b.name))
    .map((agent) => ({ value: agent.id, label: names.name(agent), note: `${agent.site.name} · ${agent.tenant.name}` }));
}

const INTERVAL = "60";
const SHOWS = ["agent", "address", "name", "snmp.version", "snmp.community", "community", "interval_s", "tags"];

export function AddDeviceForm({ onDone }: { onDone: () => void }) {
  const agents = useAgentChoices();
  const [chosen, setChosen] = useState("");
  const agent = chosen || (agents.length === 1 ? (agents[0]?.value ?? "") : "");
  const [version, setVersion] = useState<"v1" | "v2c">("v2c");
  const [interval, setInterval] = useState(INTERVAL);
  const [tags, setTags] = useState<readonly string[]>([]);
  const known = useKnownTags();
  const add = useMutation({
    mutationFn: (body: NewDevice) => take(api.POST("/api/v1/devices", { body })),
    onSuccess: ({ data }) => {
      live.devices.put(data);
      onDone();
    },
  });
  const fields = fieldErrors(add.error);

  const submit = (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const name = text("name");
    const community = String(form.get("community") ?? "");
    add.mutate({
      agent,
      address: text("address"),
      ...(name ? { name } : {}),
      interval_s: Number(interval),
      snmp: { version, ...(community ? { community } : {}) },
      ...(tags.length > 0 ? { tags: [...tags] } : {}),
    });
  };

  return (
    <Form onSubmit={submit} error={add.error} shows={SHOWS} action="Add device"
      busy={add.isPending} busyAction="Adding…" disabled={!agent} onCancel={onDone}>
      <FieldFrame
        id="agent"
        label="Agent"
        hint={agents.length === 0 ? "No agent yet: enrol one on the Agents page."
          : agents.find((one) => one.value === agent)?.note}
        error={fields["agent"]}
      >
        <Picker id="agent" label="Agent" value={agent} onChange={setChosen} choices={agents}
          placeholder="Which site is it at?" invalid={!!fields["agent"]} />
      </FieldFrame>
      <TextField id="address" name="address" label="Address" placeholder="192.0.2.1 or core-1.example.net"
        autoComplete="off" autoCapitalize="none" spellCheck={false}
        hint="An IP address or host name as the agent sees it; add :port if it is not 161."
        error={fields["address"]} />
      <TextField id="name" name="name" label="Name" placeholder="The device's own"
        hint="Left empty, it is the address until the device tells its system name." autoComplete="off" error={fields["name"]} />
      <div className="grid grid-cols-[120px_1fr] gap-3">
        <FieldFrame id="version" label="SNMP" error={fields["snmp.version"]}>
          <Picker id="version" label="SNMP version" value={version}
            onChange={(value) => setVersion(value === "v1" ? "v1" : "v2c")}
            choices={[{ value: "v2c", label: "v2c" }, { value: "v1", label: "v1" }]} />
        </FieldFrame>
        <TextField id="community" name="community" type="password" label="Community" autoComplete="off"
          hint="Stored sealed; never shown again. Empty: that of a credential profile." error={fields["snmp.community"] ?? fields["community"]} />
      </div>
      <TagField id="tags" label="Tags" tags={tags} onChange={setTags} known={known} error={fields["tags"]} />
      <FieldFrame id="interval" label="Poll interval" error={fields["interval_s"]}>
        <Picker id="interval" label="Poll interval" value={interval} onChange={setInterval}
          choices={INTERVALS} invalid={!!fields["interval_s"]} />
      </FieldFrame>
    </Form>
  );
}
