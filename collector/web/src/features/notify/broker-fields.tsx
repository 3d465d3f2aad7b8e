import { CheckField } from "../../ui/check-field";
import { TextField } from "../../ui/field";
import { SecretField } from "../../ui/secret-field";
import { type ChannelDraft, isMoved } from "./channel-draft";

interface Props {
  draft: ChannelDraft;
  /** As it was before; null: a new one. */
  was: ChannelDraft | null;
  set: (change: Partial<ChannelDraft>) => void;
  wrong: Readonly<Record<string, string>>;
}

function passwordHint(draft: ChannelDraft, was: ChannelDraft | null): string {
  if (was === null) return "Stored sealed; never shown again.";
  return isMoved(draft, was) ? "Type it anew: the one there is goes with the broker and the user before." : "Left empty, it stays. It is stored sealed and never shown.";
}

/** A broker of MQTT, and where on it. */
export function BrokerFields({ draft, was, set, wrong }: Props) {
  return (
    <>
      <div className="grid grid-cols-[1fr_88px] gap-3">
        <TextField id="channel-host" label="Broker" autoComplete="off" autoCapitalize="none" spellCheck={false} value={draft.host}
          placeholder="mqtt.example.net" error={wrong["mqtt.host"]} onChange={(event) => set({ host: event.target.value })} />
        <TextField id="channel-port" label="Port" inputMode="numeric" autoComplete="off" value={draft.port} error={wrong["mqtt.port"]}
          onChange={(event) => set({ port: event.target.value })} />
      </div>
      <CheckField label="TLS" hint="Without it only where the collector's file allows it." checked={draft.tls} onChange={(tls) => set({ tls })} />
      <TextField id="channel-topic" label="Topic" autoComplete="off" autoCapitalize="none" spellCheck={false} value={draft.topic} error={wrong["mqtt.topic"]}
        hint="{severity}, {event}, {site} and {device} are filled in." onChange={(event) => set({ topic: event.target.value })} />
      <TextField id="channel-user" label="User" autoComplete="off" autoCapitalize="none" spellCheck={false} value={draft.user} placeholder="none"
        error={wrong["mqtt.user"]} onChange={(event) => set({ user: event.target.value })} />
      {(draft.user !== "" || draft.password !== "") && (
        <SecretField id="channel-password" label="Password" value={draft.password} error={wrong["mqtt.password"]} hint={passwordHint(draft, was)}
          onChange={(event) => set({ password: event.target.value })} />
      )}
    </>
  );
}
