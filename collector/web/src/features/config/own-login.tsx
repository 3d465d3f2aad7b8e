import { type Ref, useImperativeHandle, useState } from "react";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { fieldErrors, Form } from "../../ui/form";
import { isLoginGiven, LOGIN_SHOWS, loginDraftOf, loginOf, loginWrong } from "../credentials/login-draft";
import { LoginFields } from "../credentials/login-fields";
import { draftWrong } from "./backup-draft";
import { PortField } from "./port-field";
import { useChangeBackup } from "./queries";
import type { Backup } from "./types";
import { whyNot } from "./words";

function hintOf({ login }: Backup): string {
  if (login?.from === "device") return "To change it, type the password or key too: they are never shown.";
  if (login) return `Without one of its own it takes that of the profile «${login.profile?.name ?? ""}».`;
  return "One that may read the configuration, and nothing else if the device knows such users.";
}

/** When the configuration is fetched with it. */
function thenOf({ effective }: Backup): string {
  if (!effective.enabled && effective.why !== "no_login") return `${whyNot(effective)} The login is kept; nothing is fetched with it yet.`;
  return "Once it is saved, its configuration is fetched: in the hours of the backup, when its agent is there.";
}

const SHOWS = [...LOGIN_SHOWS, "port"];

interface Props {
  device: string;
  name: string;
  backup: Backup;
  /** Tells who asks whether something is typed that is not saved. */
  unsaved?: Ref<() => boolean>;
  onSaved: () => void;
  onCancel: () => void;
}

/**
 * A login that is this device's alone, in place of that of a credential profile, and the port it is for: the
 * device is asked as soon as it has a login, and must not be asked at another port than it serves.
 */
export function LoginForm({ device, name, backup, unsaved, onSaved, onCancel }: Props) {
  const [own] = useState(backup.login?.from === "device" ? backup.login : null);
  const [was] = useState(loginDraftOf(own));
  const [draft, setDraft] = useState(was);
  const [portWas] = useState(String(backup.port));
  const [port, setPort] = useState(portWas);
  const [wrong, setWrong] = useState<Readonly<Record<string, string>> | null>(null);
  const save = useChangeBackup(device, onSaved);
  const fields = wrong ?? fieldErrors(save.error);
  const isMoved = port.trim() !== portWas;
  useImperativeHandle(unsaved, () => () => isMoved || isLoginGiven(draft, was), [isMoved, draft, was]);
  const submit = () => {
    // A secret is never shown: who changes the port alone need not type it again.
    const isLogin = isLoginGiven(draft, was) || !own || !isMoved;
    const found = { ...(isLogin ? loginWrong(draft) : {}), ...draftWrong({ port }) };
    const isWrong = Object.keys(found).length > 0;
    setWrong(isWrong ? found : null);
    if (!isWrong) save.mutate({ ...(isLogin ? { login: loginOf(draft) } : {}), ...(isMoved ? { port: Number(port) } : {}) });
  };
  return (
    <Form onSubmit={submit} error={wrong ? new Error("Nothing is sent yet.") : save.error} fields={fields} shows={SHOWS} action="Save"
      busy={save.isPending} onCancel={onCancel}>
      <LoginFields id="own" draft={draft} onChange={setDraft} wrong={fields} hint={hintOf(backup)} />
      <PortField id="own-port" port={port} error={fields["port"]} onChange={setPort} />
      <p className="text-xs text-muted">{thenOf(backup)}</p>
      {own && <DropLogin device={device} name={name} onDone={onSaved} />}
    </Form>
  );
}

/** Gives the device up to the credential profiles. */
function DropLogin({ device, name, onDone }: { device: string; name: string; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const drop = useChangeBackup(device, onDone);
  return (
    <div className="self-start">
      <Button onClick={() => setAsking(true)}>Use a credential profile instead…</Button>
      <Confirm open={asking} onOpenChange={setAsking} title={`Remove the SSH login of ${name}?`} action="Remove it" busy={drop.isPending}
        error={drop.error} loses={["The login that it has of its own"]} onConfirm={() => drop.mutate({ login: null })}>
        It is backed up with that of the credential profile that fits. Where none fits, it is not backed up any more; its versions stay.
      </Confirm>
    </div>
  );
}
