import { useState } from "react";
import { CheckField } from "../../ui/check-field";
import { FieldFrame } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Icon } from "../../ui/icon";
import { Picker } from "../../ui/picker";
import { RadioCards } from "../../ui/radio-cards";
import { SidePanel } from "../../ui/side-panel";
import { AUTO, changeOf, draftOf, draftWrong, type Wish } from "./backup-draft";
import { PortField } from "./port-field";
import { useChangeBackup } from "./queries";
import type { Backup } from "./types";
import { PLATFORMS } from "./words";

interface Props {
  device: string;
  name: string;
  backup: Backup;
  open: boolean;
  onClose: () => void;
}

const SHOWS = ["port", "platform", "legacy", "enabled"];
const WISHES: readonly { value: Wish; label: string; note: string }[] = [
  { value: "policy", label: "As the policy says", note: "Backed up once it has a login, unless the tenant's policy is off." },
  { value: "on", label: "On", note: "Also where the policy is off." },
  { value: "off", label: "Off", note: "Only when somebody asks for it." },
];
const CHOICES = [{ value: AUTO, label: "Recognise it" }, ...Object.entries(PLATFORMS).map(([value, label]) => ({ value, label }))];

/** What is different for this device. */
export function BackupSettings({ name, open, onClose, ...form }: Props) {
  return (
    <SidePanel open={open} onOpenChange={(on) => on || onClose()} title={`Configuration of ${name}`} description="How it is fetched from this device.">
      <SettingsForm {...form} onDone={onClose} />
    </SidePanel>
  );
}

function SettingsForm({ device, backup, onDone }: { device: string; backup: Backup; onDone: () => void }) {
  const [was] = useState(() => draftOf(backup));
  const [draft, setDraft] = useState(was);
  const [wrong, setWrong] = useState<Readonly<Record<string, string>> | null>(null);
  const save = useChangeBackup(device, onDone);
  const fields = wrong ?? fieldErrors(save.error);
  const submit = () => {
    const found = draftWrong(draft);
    const isWrong = Object.keys(found).length > 0;
    setWrong(isWrong ? found : null);
    if (isWrong) return;
    const change = changeOf(draft, was);
    if (Object.keys(change).length === 0) onDone();
    else save.mutate(change);
  };
  const choices = CHOICES.some(({ value }) => value === draft.platform) ? CHOICES : [...CHOICES, { value: draft.platform, label: draft.platform }];
  return (
    <Form onSubmit={submit} error={wrong ? new Error("Nothing is sent yet.") : save.error} fields={fields} shows={SHOWS} action="Save"
      busy={save.isPending} onCancel={onDone}>
      <RadioCards legend="Backup" name="wish" cards={WISHES} value={draft.wish} error={fields["enabled"]} onChange={(wish) => setDraft({ ...draft, wish })} />
      <PortField id="backup-port" port={draft.port} error={fields["port"]} onChange={(port) => setDraft({ ...draft, port })} />
      <FieldFrame id="backup-platform" label="Platform" error={fields["platform"]} hint="Says what to ask for. Choose it where the device is not recognised.">
        <Picker id="backup-platform" label="Platform" value={draft.platform} choices={choices} invalid={!!fields["platform"]}
          onChange={(platform) => setDraft({ ...draft, platform })} />
      </FieldFrame>
      <CheckField label="Allow broken algorithms" checked={draft.legacy} onChange={(legacy) => setDraft({ ...draft, legacy })}
        hint="For devices that know no others, such as SHA-1 and 3DES." />
      {draft.legacy && (
        <p className="flex gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2" data-legacy-warning>
          <span className="mt-px text-degraded"><Icon name="warn" /></span>
          <span>Who can change what goes over the line may read the login and the configuration. Update the device where that is possible, and give it a login of its own.</span>
        </p>
      )}
      {fields["legacy"] && <p className="text-xs text-down">{fields["legacy"]}</p>}
    </Form>
  );
}
