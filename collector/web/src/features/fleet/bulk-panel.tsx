import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { live, useTableValue } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import { useKnownTags } from "../../lib/use-known-tags";
import { Confirm } from "../../ui/confirm";
import { FieldFrame } from "../../ui/field";
import { Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { RadioCards } from "../../ui/radio-cards";
import { SidePanel } from "../../ui/side-panel";
import { TagField } from "../../ui/tag-field";
import { useAgentsOf } from "./agents-of";
import { type BulkChange, changeOf, type Credential, deviceCount, linesOf, type Manner, STAYING, tenantOf, wrongIn } from "./bulk";
import { changeDevices } from "./change-devices";
import { MannerFields } from "./manner-fields";
import { draftWrong, isGiven, NEW_DRAFT, SNMP_SHOWS, snmpErrors } from "../credentials/snmp-draft";
import { SnmpFields } from "../credentials/snmp-fields";
import { OPTION_SHOWS, optionsWrong, USUAL } from "../device/option-fields";
import { INTERVALS } from "./intervals";

const STAYS = "stays";
const AS_IT_IS = { value: STAYS, label: "Unchanged" };
const CREDENTIALS = [
  { value: "stay", label: "Unchanged", note: "Each device keeps its own." },
  { value: "own", label: "New credential", note: "One for all of them, in place of their own." },
  { value: "profile", label: "Credential profile", note: "Their own is deleted; the profile that fits is used." },
] as const;
const SHOWS = ["interval_s", "add_tags", "remove_tags", "agent", ...OPTION_SHOWS, ...SNMP_SHOWS];

const NO_COMMUNITY = { community: "A community is needed." };
const NOTHING_TYPED = { v1: NO_COMMUNITY, v2c: NO_COMMUNITY, v3: { "user.name": "A user name is needed." } } as const;

interface Props {
  open: boolean;
  ids: readonly string[];
  onClose: () => void;
  onDone: () => void;
}

export function BulkPanel({ open, ids, onClose, onDone }: Props) {
  const [asked, setAsked] = useState<BulkChange | null>(null);
  const names = useAgentNames();
  const change = useMutation({
    mutationFn: (wanted: BulkChange) => changeDevices(ids, wanted),
    onSuccess: () => {
      setAsked(null);
      onDone();
    },
    // What is wrong with a field is told there.
    onError: (error) => isOfField(error) && setAsked(null),
  });
  const ask = (wanted: BulkChange) => {
    change.reset();
    setAsked(wanted);
  };
  const close = () => {
    change.reset();
    onClose();
  };
  const count = deviceCount(ids.length);
  const agent = asked?.agent ? live.agents.get(asked.agent) : undefined;
  return (
    <SidePanel open={open} onOpenChange={(on) => on || close()} title={`Edit ${count}`} description="Only what you change here is changed.">
      <BulkForm ids={ids} refused={isOfField(change.error) ? change.error : null} onAsk={ask} onCancel={close} />
      <Confirm open={asked !== null} isMild={asked?.community === undefined && !asked?.snmp} title={`Change ${count}?`} action={`Change ${count}`} busy={change.isPending} error={change.error}
        onOpenChange={(on) => {
          if (on) return;
          change.reset();
          setAsked(null);
        }}
        onConfirm={() => asked && change.mutate(asked)}>
        {asked && linesOf(asked, agent ? names.name(agent) : "another agent").join(". ")}.
      </Confirm>
    </SidePanel>
  );
}

function isOfField(error: Error | null): boolean {
  return Object.keys(wrongIn(error)).some((field) => SHOWS.includes(field));
}

function BulkForm({ ids, refused, onAsk, onCancel }: {
  ids: readonly string[]; refused: Error | null; onAsk: (change: BulkChange) => void; onCancel: () => void;
}) {
  const known = useKnownTags();
  const tenant = useTableValue(live.devices, (table) => tenantOf(ids, (id) => table.get(id)));
  const [interval, setInterval] = useState(STAYS);
  const [add, setAdd] = useState<readonly string[]>([]);
  const [remove, setRemove] = useState<readonly string[]>([]);
  const [agent, setAgent] = useState(STAYS);
  const [credential, setCredential] = useState<Credential>("stay");
  const [wrong, setWrong] = useState<Readonly<Record<string, string>> | null>(null);
  const [draft, setDraft] = useState(NEW_DRAFT);
  const [manner, setManner] = useState<Manner>(STAYING);
  const submit = () => {
    const chosen = (value: string) => (value === STAYS ? "" : value);
    const change = changeOf({ interval: chosen(interval), add, remove, agent: chosen(agent), credential, draft, manner });
    const inDraft = credential !== "own" ? {} : isGiven(draft) ? draftWrong(draft) : NOTHING_TYPED[draft.version];
    const inManner = manner.gap.trim() ? optionsWrong({ ...USUAL, gap: manner.gap }) : {};
    const found = { ...inDraft, ...inManner };
    if (Object.keys(found).length > 0) setWrong(found);
    else if (Object.keys(change).length === 0) setWrong({});
    else {
      setWrong(null);
      onAsk(change);
    }
  };
  const fields = wrong ?? wrongIn(refused);
  return (
    <Form onSubmit={submit} error={wrong ? new Error("Nothing is changed yet.") : refused} fields={fields}
      shows={SHOWS} action={`Change ${deviceCount(ids.length)}…`} busy={false} onCancel={onCancel}>
      <FieldFrame id="bulk-interval" label="Poll interval" error={fields["interval_s"]}>
        <Picker id="bulk-interval" label="Poll interval" value={interval} onChange={setInterval} invalid={!!fields["interval_s"]}
          choices={[AS_IT_IS, ...INTERVALS]} />
      </FieldFrame>
      <AgentField tenant={tenant} value={agent} onChange={setAgent} error={fields["agent"]} />
      <TagField id="bulk-add" label="Add tags" tags={add} onChange={setAdd} known={known} error={fields["add_tags"]} />
      <TagField id="bulk-remove" label="Remove tags" tags={remove} onChange={setRemove} known={known} error={fields["remove_tags"]} />
      <RadioCards legend="Credential" name="credential" cards={CREDENTIALS} value={credential} onChange={setCredential} />
      {credential === "own" && (
        <SnmpFields id="bulk" draft={draft} onChange={setDraft} wrong={wrong ?? snmpErrors(fields)} hint="Stored sealed; never shown again." />
      )}
      <MannerFields manner={manner} onChange={setManner} wrong={fields} />
    </Form>
  );
}

/** An agent polls devices of its own tenant only. */
function AgentField({ tenant, value, onChange, error }: {
  tenant: string; value: string; onChange: (agent: string) => void; error: string | undefined;
}) {
  const agents = useAgentsOf(tenant);
  if (!tenant) {
    return <p className="text-xs text-muted">These devices are of several tenants: mark those of one to move them to another agent.</p>;
  }
  return (
    <FieldFrame id="bulk-agent" label="Move to agent" error={error}>
      <Picker id="bulk-agent" label="Move to agent" value={value} onChange={onChange} invalid={!!error}
        choices={[AS_IT_IS, ...agents]} />
    </FieldFrame>
  );
}
