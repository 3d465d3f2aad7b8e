import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { DeviceDetail } from "../../lib/types";
import { useKnownTags } from "../../lib/use-known-tags";
import { FieldFrame, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { SidePanel } from "../../ui/side-panel";
import { TagField } from "../../ui/tag-field";
import { useAgentsOf } from "../fleet/agents-of";
import { INTERVALS } from "../fleet/intervals";
import { changed, communityHint } from "./edit-changes";
import { OwnCredential } from "./own-credential";

const SHOWS = ["name", "address", "interval_s", "snmp.version", "snmp.community", "tags", "agent"];

interface Props {
  detail: DeviceDetail;
  open: boolean;
  onClose: () => void;
}

export function EditDevice({ detail, open, onClose }: Props) {
  return (
    <SidePanel open={open} onOpenChange={(on) => on || onClose()} title={detail.name} description="Its history stays with it.">
      <DeviceForm detail={detail} onDone={onClose} />
      {detail.snmp.credential === "own" && <OwnCredential detail={detail} />}
    </SidePanel>
  );
}

/** The agents of the device's tenant: it can be handed to another one. */
function useAgentChoices({ tenant, agent }: DeviceDetail) {
  const found = useAgentsOf(tenant.id);
  return found.some(({ value }) => value === agent.id) ? found : [{ value: agent.id, label: agent.name }, ...found];
}

function DeviceForm({ detail, onDone }: { detail: DeviceDetail; onDone: () => void }) {
  const queries = useQueryClient();
  const agents = useAgentChoices(detail);
  const known = useKnownTags(detail.tenant.id);
  const [agent, setAgent] = useState(detail.agent.id);
  const [version, setVersion] = useState(detail.snmp.version);
  const [interval, setInterval] = useState(String(detail.interval_s));
  const [tags, setTags] = useState<readonly string[]>(detail.tags);
  const { id } = detail;
  const save = useMutation({
    mutationFn: (body: ReturnType<typeof changed>) => take(api.PATCH("/api/v1/devices/{id}", { params: { path: { id } }, body })),
    onSuccess: async ({ data }) => {
      live.devices.put(data);
      onDone();
      await queries.invalidateQueries({ queryKey: ["device", id] });
    },
  });
  const fields = fieldErrors(save.error);
  const submit = (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    save.mutate(changed(detail, {
      name: text("name"), address: text("address"), community: String(form.get("community") ?? ""),
      agent, version, interval_s: Number(interval), tags,
    }));
  };
  const intervals = INTERVALS.some(({ value }) => value === String(detail.interval_s))
    ? INTERVALS : [{ value: String(detail.interval_s), label: `${detail.interval_s} s` }, ...INTERVALS];
  return (
    <Form onSubmit={submit} error={save.error} shows={SHOWS} action="Save" busy={save.isPending} onCancel={onDone}>
      <TextField id="device-name" name="name" label="Name" autoComplete="off" defaultValue={detail.name} error={fields["name"]}
        hint="Left empty, it is called what the device calls itself." />
      <TextField id="device-address" name="address" label="Address" autoComplete="off" autoCapitalize="none" spellCheck={false}
        defaultValue={detail.address} hint="As the agent sees it; add :port if it is not 161." error={fields["address"]} />
      <TagField id="device-tags" label="Tags" tags={tags} onChange={setTags} known={known} error={fields["tags"]} />
      <FieldFrame id="device-agent" label="Polled by" error={fields["agent"]}>
        <Picker id="device-agent" label="Polled by" value={agent} onChange={setAgent} choices={agents} invalid={!!fields["agent"]} />
      </FieldFrame>
      <div className="grid grid-cols-2 gap-3">
        <FieldFrame id="device-interval" label="Poll interval" error={fields["interval_s"]}>
          <Picker id="device-interval" label="Poll interval" value={interval} onChange={setInterval} choices={intervals} />
        </FieldFrame>
        <FieldFrame id="device-version" label="SNMP" error={fields["snmp.version"]}>
          <Picker id="device-version" label="SNMP version" value={version} choices={[{ value: "v2c", label: "v2c" }, { value: "v1", label: "v1" }]}
            onChange={(value) => setVersion(value === "v1" ? "v1" : "v2c")} />
        </FieldFrame>
      </div>
      <TextField id="device-community" name="community" type="password" label="Community" autoComplete="off"
        hint={communityHint(detail.snmp)} error={fields["snmp.community"] ?? fields["community"]} />
    </Form>
  );
}
