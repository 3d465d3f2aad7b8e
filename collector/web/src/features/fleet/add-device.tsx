import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, take } from "../../lib/api";
import { byName } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { useMayIn } from "../../lib/role";
import { isInScope, useScope } from "../../lib/scope";
import type { NewDevice } from "../../lib/types";
import { useKnownTags } from "../../lib/use-known-tags";
import { FieldFrame, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { SidePanel } from "../../ui/side-panel";
import { TagField } from "../../ui/tag-field";
import { useOffline } from "../agents/offline";
import { FindCredential, useFindCredential } from "../credentials/find-credential";
import type { Outcome } from "../credentials/found-words";
import {
  credentialOf, draftWrong, isGiven, NEW_DRAFT, SNMP_SHOWS, type SnmpDraft, snmpErrors,
} from "../credentials/snmp-draft";
import { SnmpFields } from "../credentials/snmp-fields";
import { OPTION_SHOWS, OptionFields, type Options, optionsSent, optionsWrong, USUAL } from "../device/option-fields";
import { INTERVALS } from "./intervals";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** The one that is chosen at first. */
  agent?: string | undefined;
}

export function AddDevice({ open, onOpenChange, agent }: Props) {
  return (
    <SidePanel
      open={open}
      onOpenChange={onOpenChange}
      title="Add device"
      description="The agent of the site polls it; the first values come within one interval."
    >
      <AddDeviceForm first={agent} onDone={() => onOpenChange(false)} />
    </SidePanel>
  );
}

function useAgentChoices() {
  useEffect(() => live.ensureAgents(), []);
  useTableValue(live.agents, (table) => table.membership);
  const scope = useScope();
  const names = useAgentNames();
  const mayIn = useMayIn();
  return live.agents
    .list()
    .filter((agent) => !agent.revoked_at && isInScope(scope, agent) && mayIn(agent.tenant.id).write)
    .toSorted((a, b) => byName(a.name, b.name))
    .map((agent) => ({ value: agent.id, label: names.name(agent), note: `${agent.site.name} · ${agent.tenant.name}` }));
}

const INTERVAL = "60";
const SHOWS = ["agent", "address", "host", "port", "name", "interval_s", "tags", ...OPTION_SHOWS, ...SNMP_SHOWS];

/** Why a device without a credential is worth to be added. */
const NO_CREDENTIAL =
  "Empty: the credential profile that fits is used. Where none fits, the device is only pinged.";

export function AddDeviceForm({ first = "", onDone }: { first?: string | undefined; onDone: () => void }) {
  const agents = useAgentChoices();
  const [chosen, setChosen] = useState(first);
  const agent = chosen || (agents.length === 1 ? (agents[0]?.value ?? "") : "");
  const [address, setAddress] = useState("");
  const [draft, setDraft] = useState<SnmpDraft>(NEW_DRAFT);
  const [options, setOptions] = useState<Options>(USUAL);
  const [interval, setInterval] = useState(INTERVAL);
  const [tags, setTags] = useState<readonly string[]>([]);
  const [wrong, setWrong] = useState<Readonly<Record<string, string>> | null>(null);
  const known = useKnownTags();
  const find = useFindCredential();
  const offline = useOffline(agent);
  const add = useMutation({
    mutationFn: (body: NewDevice) => take(api.POST("/api/v1/devices", { body })),
    onSuccess: ({ data }) => {
      live.devices.put(data);
      onDone();
    },
  });
  const told = { ...fieldErrors(find.error), ...fieldErrors(add.error) };
  const fields = wrong ?? told;
  const snmpWrong = wrong ?? snmpErrors(told);

  /** True if something is wrong that need not be sent to be known. */
  const isWrong = (others: Readonly<Record<string, string>>) => {
    const found = { ...(isGiven(draft) ? draftWrong(draft) : {}), ...others };
    setWrong(Object.keys(found).length > 0 ? found : null);
    return Object.keys(found).length > 0;
  };
  const submit = (form: FormData) => {
    if (isWrong(optionsWrong(options))) return;
    const name = String(form.get("name") ?? "").trim();
    find.reset();
    add.mutate({
      agent,
      address: address.trim(),
      ...(name ? { name } : {}),
      interval_s: Number(interval),
      snmp: { version: draft.version, ...(isGiven(draft) ? credentialOf(draft) : {}) },
      ...(tags.length > 0 ? { tags: [...tags] } : {}),
      ...optionsSent(options),
    });
  };
  const search = () => {
    if (isWrong({})) return;
    add.reset();
    find.mutate({ agent, host: address.trim(), draft, tags, isStrict: options.strict_source });
  };
  const use = ({ profile, version }: Outcome) => {
    setDraft(profile ? { ...NEW_DRAFT, version } : { ...draft, version });
    const tag = profile?.tag;
    if (tag && !tags.includes(tag)) setTags([...tags, tag]);
  };
  const isUsed = ({ profile, version }: Outcome) =>
    draft.version === version && isGiven(draft) === (profile === null) && (!profile?.tag || tags.includes(profile.tag));
  /** What was found holds for this host, asked by this agent, with these tags and what was typed. */
  const anew = <T,>(set: (value: T) => void) => (value: T) => {
    find.reset();
    set(value);
  };

  return (
    <Form onSubmit={submit} error={wrong ? new Error("Nothing is sent yet.") : add.error} fields={fields} shows={SHOWS}
      action="Add device" busy={add.isPending} busyAction="Adding…" disabled={!agent} onCancel={onDone}>
      <FieldFrame
        id="agent"
        label="Agent"
        hint={agents.length === 0 ? "No agent yet: enrol one on the Agents page."
          : agents.find((one) => one.value === agent)?.note}
        error={fields["agent"]}
      >
        <Picker id="agent" label="Agent" value={agent} onChange={anew(setChosen)} choices={agents}
          placeholder="Which site is it at?" invalid={!!fields["agent"]} />
      </FieldFrame>
      <TextField id="address" name="address" label="Address" placeholder="192.0.2.1 or core-1.example.net"
        autoComplete="off" autoCapitalize="none" spellCheck={false} value={address} onChange={(event) => anew(setAddress)(event.target.value)}
        hint="IP address or host name; add :port if it is not 161."
        error={fields["address"] ?? fields["host"] ?? fields["port"]} />
      <TextField id="name" name="name" label="Name" placeholder="The device's own"
        hint="Empty: the system name that the device tells." autoComplete="off" error={fields["name"]} />
      <SnmpFields id="snmp" draft={draft} onChange={anew(setDraft)} wrong={snmpWrong} hint={NO_CREDENTIAL} />
      <FindCredential find={find} onFind={agent && address.trim() ? search : null} offline={offline} onUse={use} isUsed={isUsed}
        isToldAbove={Object.keys(fieldErrors(find.error)).some((name) => SHOWS.includes(name) || name.startsWith("credentials["))} />
      <TagField id="tags" label="Tags" tags={tags} onChange={anew(setTags)} known={known} error={fields["tags"]} />
      <FieldFrame id="interval" label="Poll interval" error={fields["interval_s"]}>
        <Picker id="interval" label="Poll interval" value={interval} onChange={setInterval}
          choices={INTERVALS} invalid={!!fields["interval_s"]} />
      </FieldFrame>
      <OptionFields id="add" options={options} onChange={setOptions} wrong={fields} />
    </Form>
  );
}
