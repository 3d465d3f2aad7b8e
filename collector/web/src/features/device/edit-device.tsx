import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type Ref, useImperativeHandle, useRef, useState } from "react";
import { api, take } from "../../lib/api";
import { live } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import type { DeviceDetail } from "../../lib/types";
import { useKnownTags } from "../../lib/use-known-tags";
import { FieldFrame, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { Segments } from "../../ui/segments";
import { SidePanel } from "../../ui/side-panel";
import { TagField } from "../../ui/tag-field";
import { useAgentsOf } from "../fleet/agents-of";
import { INTERVALS } from "../fleet/intervals";
import { draftWrong, isGiven, SNMP_SHOWS, snmpErrors } from "../credentials/snmp-draft";
import { SnmpFields } from "../credentials/snmp-fields";
import { LoginPart } from "../config/login-part";
import { changed, credentialHint, draftWas, optionsOf } from "./edit-changes";
import { OPTION_SHOWS, OptionFields, optionsWrong } from "./option-fields";
import { OwnCredential } from "./own-credential";

const SHOWS = ["name", "address", "interval_s", "tags", "agent", ...OPTION_SHOWS, ...SNMP_SHOWS];

interface Props {
  detail: DeviceDetail;
  open: boolean;
  onClose: () => void;
}

type Page = "device" | "login";

const PAGES = [{ value: "device" as const, label: "Device and SNMP" }, { value: "login" as const, label: "SSH login" }];
const SHOWN = "flex flex-1 flex-col";

export function EditDevice({ detail, open, onClose }: Props) {
  const { admin } = useMayIn()(detail.tenant.id);
  const [page, setPage] = useState<Page>("device");
  const [isLoginOpened, setLoginOpened] = useState(false);
  const [saved, setSaved] = useState<Page | null>(null);
  const ofDevice = useRef<() => boolean>(null);
  const ofLogin = useRef<() => boolean>(null);
  const turn = (to: Page) => {
    setPage(to);
    if (to === "login") setLoginOpened(true);
  };
  /** One page is saved: the other is left alone where something is typed on it. */
  const done = (of: Page) => {
    const isUnsaved = (of === "device" ? ofLogin : ofDevice).current?.();
    if (saved || !isUnsaved) return onClose();
    setSaved(of);
    setPage(of === "device" ? "login" : "device");
  };
  return (
    <SidePanel open={open} onOpenChange={(on) => on || onClose()} title={detail.name} description="Its history stays with it.">
      {admin && !saved && <div className="-mt-1 mb-3"><Segments label="What to edit" segments={PAGES} value={page} onChange={turn} /></div>}
      {saved && <p role="status" className="mb-3 text-muted">«{PAGES.find(({ value }) => value === saved)?.label}» is saved. What is typed here is not yet.</p>}
      {/* What is typed on one page is there when one comes back from the other. */}
      {saved !== "device" && (
        <div className={page === "device" ? SHOWN : "hidden"}>
          <DeviceForm detail={detail} unsaved={ofDevice} onSaved={() => done("device")} onCancel={onClose} />
        </div>
      )}
      {isLoginOpened && saved !== "login" && (
        <div className={page === "login" ? SHOWN : "hidden"}>
          <LoginPart device={detail.id} name={detail.name} unsaved={ofLogin} onSaved={() => done("login")} onCancel={onClose} />
        </div>
      )}
    </SidePanel>
  );
}

/** The agents of the device's tenant: it can be handed to another one. */
function useAgentChoices({ tenant, agent }: DeviceDetail) {
  const found = useAgentsOf(tenant.id);
  return found.some(({ value }) => value === agent.id) ? found : [{ value: agent.id, label: agent.name }, ...found];
}

interface FormProps {
  detail: DeviceDetail;
  /** Tells who asks whether something is typed that is not saved. */
  unsaved: Ref<() => boolean>;
  onSaved: () => void;
  onCancel: () => void;
}

function DeviceForm({ detail, unsaved, onSaved, onCancel }: FormProps) {
  const queries = useQueryClient();
  const agents = useAgentChoices(detail);
  const known = useKnownTags(detail.tenant.id);
  const [name, setName] = useState(detail.name);
  const [address, setAddress] = useState(detail.address);
  const [agent, setAgent] = useState(detail.agent.id);
  // As they were when the form opened: what somebody else changes meanwhile is none of this change.
  const [opened] = useState(detail);
  const was = draftWas(opened);
  const [draft, setDraft] = useState(() => draftWas(opened));
  const [options, setOptions] = useState(optionsOf(detail));
  const [wrong, setWrong] = useState<Readonly<Record<string, string>> | null>(null);
  const [interval, setInterval] = useState(String(detail.interval_s));
  const [tags, setTags] = useState<readonly string[]>(detail.tags);
  const { id } = detail;
  const save = useMutation({
    mutationFn: (body: ReturnType<typeof changed>) => take(api.PATCH("/api/v1/devices/{id}", { params: { path: { id } }, body })),
    onSuccess: async ({ data }) => {
      live.devices.put(data);
      onSaved();
      await queries.invalidateQueries({ queryKey: ["device", id] });
    },
  });
  const fields = wrong ?? fieldErrors(save.error);
  const change = changed(opened, { name: name.trim(), address: address.trim(), agent, interval_s: Number(interval), tags, draft, options });
  useImperativeHandle(unsaved, () => () => Object.keys(change).length > 0);
  const submit = () => {
    const found = { ...(isGiven(draft, was) ? draftWrong(draft) : {}), ...optionsWrong(options) };
    const isWrong = Object.keys(found).length > 0;
    setWrong(isWrong ? found : null);
    if (!isWrong) save.mutate(change);
  };
  const intervals = INTERVALS.some(({ value }) => value === String(detail.interval_s))
    ? INTERVALS : [{ value: String(detail.interval_s), label: `${detail.interval_s} s` }, ...INTERVALS];
  return (
    <Form onSubmit={submit} error={wrong ? new Error("Nothing is sent yet.") : save.error} fields={fields} shows={SHOWS} action="Save" busy={save.isPending} onCancel={onCancel}>
      <TextField id="device-name" name="name" label="Name" autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} error={fields["name"]}
        hint="Empty: the system name that the device tells." />
      <TextField id="device-address" name="address" label="Address" autoComplete="off" autoCapitalize="none" spellCheck={false}
        value={address} onChange={(event) => setAddress(event.target.value)} hint="IP address or host name; add :port if it is not 161." error={fields["address"]} />
      <TagField id="device-tags" label="Tags" tags={tags} onChange={setTags} known={known} error={fields["tags"]} />
      <FieldFrame id="device-agent" label="Agent" error={fields["agent"]}>
        <Picker id="device-agent" label="Agent" value={agent} onChange={setAgent} choices={agents} invalid={!!fields["agent"]} />
      </FieldFrame>
      <FieldFrame id="device-interval" label="Poll interval" error={fields["interval_s"]}>
        <Picker id="device-interval" label="Poll interval" value={interval} onChange={setInterval} choices={intervals} />
      </FieldFrame>
      <SnmpFields id="device" draft={draft} onChange={setDraft} wrong={wrong ?? snmpErrors(fields)}
        hint={credentialHint(detail.snmp, draft.version)} />
      {detail.snmp.credential === "own" && <OwnCredential detail={detail} />}
      <OptionFields id="device" options={options} onChange={setOptions} wrong={fields} />
    </Form>
  );
}
