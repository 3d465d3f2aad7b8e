import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { live } from "../../lib/live-app";
import { useKnownTags } from "../../lib/use-known-tags";
import { Confirm } from "../../ui/confirm";
import { FieldFrame, TextField } from "../../ui/field";
import { Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { RadioCards } from "../../ui/radio-cards";
import { SidePanel } from "../../ui/side-panel";
import { TagField } from "../../ui/tag-field";
import { type BulkChange, changeMany, changeOf, type Credential, deviceCount, linesOf } from "./bulk";
import { INTERVALS } from "./intervals";

const STAYS = "stays";
const CREDENTIALS = [
  { value: "stay", label: "Stays", note: "Each keeps what it is asked with." },
  { value: "own", label: "A new community", note: "The same for all of them, in place of their own." },
  { value: "profile", label: "Of a credential profile", note: "Their own is deleted; the profile that fits is used." },
] as const;

interface Props {
  open: boolean;
  ids: readonly string[];
  onClose: () => void;
  onDone: () => void;
}

export function BulkPanel({ open, ids, onClose, onDone }: Props) {
  const [asked, setAsked] = useState<BulkChange | null>(null);
  const change = useMutation({
    mutationFn: (wanted: BulkChange) => changeMany(ids, wanted),
    onSuccess: () => {
      setAsked(null);
      live.refreshDevices();
      onDone();
    },
  });
  const count = deviceCount(ids.length);
  return (
    <SidePanel open={open} onOpenChange={(on) => on || onClose()} title={`Edit ${count}`} description="What is left as it is stays, on each of them.">
      <BulkForm count={count} onAsk={setAsked} onCancel={onClose} />
      <Confirm open={asked !== null} isMild={asked?.community === undefined} title={`Change ${count}?`} action={`Change ${count}`} busy={change.isPending} error={change.error}
        onOpenChange={(on) => {
          if (on) return;
          change.reset();
          setAsked(null);
        }}
        onConfirm={() => asked && change.mutate(asked)}>
        {asked && linesOf(asked).join(". ")}.
      </Confirm>
    </SidePanel>
  );
}

function BulkForm({ count, onAsk, onCancel }: { count: string; onAsk: (change: BulkChange) => void; onCancel: () => void }) {
  const known = useKnownTags();
  const [interval, setInterval] = useState(STAYS);
  const [add, setAdd] = useState<readonly string[]>([]);
  const [remove, setRemove] = useState<readonly string[]>([]);
  const [credential, setCredential] = useState<Credential>("stay");
  const [wrong, setWrong] = useState("");
  const submit = (form: FormData) => {
    const community = String(form.get("community") ?? "");
    const change = changeOf({ interval: interval === STAYS ? "" : interval, add, remove, credential, community });
    if (credential === "own" && community === "") setWrong("A community is needed.");
    else if (linesOf(change).length === 0) setWrong("Nothing is changed yet.");
    else {
      setWrong("");
      onAsk(change);
    }
  };
  const isBlank = credential === "own" && wrong !== "";
  return (
    <Form onSubmit={submit} error={wrong && !isBlank ? new Error(wrong) : null} fields={isBlank ? { community: wrong } : {}}
      shows={["community"]} action={`Change ${count}…`} busy={false} onCancel={onCancel}>
      <FieldFrame id="bulk-interval" label="Poll interval">
        <Picker id="bulk-interval" label="Poll interval" value={interval} onChange={setInterval}
          choices={[{ value: STAYS, label: "Stays as it is" }, ...INTERVALS]} />
      </FieldFrame>
      <TagField id="bulk-add" label="Add tags" tags={add} onChange={setAdd} known={known} />
      <TagField id="bulk-remove" label="Take tags away" tags={remove} onChange={setRemove} known={known} />
      <RadioCards legend="Credential" name="credential" cards={CREDENTIALS} value={credential} onChange={setCredential} />
      {credential === "own" && (
        <TextField id="bulk-community" name="community" type="password" label="Community" autoComplete="off"
          hint="Stored sealed; never shown again." error={isBlank ? wrong : undefined} />
      )}
    </Form>
  );
}
