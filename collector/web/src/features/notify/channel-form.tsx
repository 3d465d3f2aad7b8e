import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { useSecretMutation } from "../../lib/use-secret-mutation";
import { CheckField } from "../../ui/check-field";
import { FieldFrame, INPUT, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { RadioCards } from "../../ui/radio-cards";
import { SecretField } from "../../ui/secret-field";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { RefusedHelp } from "./allow-help";
import { BrokerFields } from "./broker-fields";
import { CHANNEL_SHOWS, type ChannelDraft, changeBody, draftOf, draftWrong, NEW_CHANNEL, newBody, receiversOf, refusedPlace } from "./channel-draft";
import { KIND_WORD } from "./channel-words";
import { CHANNELS, DELIVERIES, ROUTES } from "./queries";
import type { Channel, ChannelKind, ChannelMade } from "./types";

const KIND_NOTE: Readonly<Record<ChannelKind, string>> = {
  email: "By the mail server of this collector.",
  webhook: "Signed JSON to a URL of yours.",
  slack: "A message, by an incoming webhook.",
  mqtt: "JSON to a topic of a broker.",
};
const KINDS = (["email", "webhook", "slack", "mqtt"] as const).map((value) => ({ value, label: KIND_WORD[value], note: KIND_NOTE[value] }));

interface Props {
  /** Null: a new one. */
  channel: Channel | null;
  onSaved: (channel: ChannelMade) => void;
  onCancel: () => void;
}

export function ChannelForm({ channel, onSaved, onCancel }: Props) {
  const queries = useQueryClient();
  const [tenant, setTenant] = useState(useFirstTenant());
  const [was] = useState(channel && draftOf(channel));
  const [draft, setDraft] = useState(was ?? NEW_CHANNEL);
  const [sent, setSent] = useState<ChannelDraft | null>(null);
  const [wrong, setWrong] = useState<Readonly<Record<string, string>> | null>(null);
  const set = (change: Partial<ChannelDraft>) => setDraft((old) => ({ ...old, ...change }));
  const save = useSecretMutation<ChannelMade>({
    mutationFn: async () => {
      if (!channel || !was) return (await take(api.POST("/api/v1/channels", { body: newBody(draft, tenant) }))).data;
      const params = { path: { id: channel.id } };
      return (await take(api.PATCH("/api/v1/channels/{id}", { params, body: changeBody(draft, was) }))).data;
    },
    onSuccess: async (saved) => {
      onSaved(saved);
      // Routes and deliveries tell its name.
      await Promise.all([CHANNELS, ROUTES, DELIVERIES].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
  const fields = wrong ?? fieldErrors(save.error);
  // The place as it was sent: what is typed next was not refused yet.
  const refused = sent && !wrong ? refusedPlace(sent, fields) : null;
  const submit = () => {
    const found = draftWrong(draft, !channel);
    const isWrong = Object.keys(found).length > 0;
    setWrong(isWrong ? found : null);
    if (isWrong) return;
    setSent(draft);
    save.mutate();
  };
  return (
    <Form onSubmit={submit} error={wrong ? new Error("Nothing is sent yet.") : save.error} fields={fields} shows={CHANNEL_SHOWS}
      action={channel ? "Save" : "Make the channel"} busy={save.isPending} disabled={!channel && !tenant} onCancel={onCancel}>
      {!channel && (
        <>
          <RadioCards legend="How people are told" name="kind" cards={KINDS} value={draft.kind} onChange={(kind) => {
            setWrong(null);
            set({ kind });
          }} />
          <TenantField id="channel-tenant" value={tenant} onChange={setTenant} error={fields["tenant"]} />
        </>
      )}
      <TextField id="channel-name" label="Name" autoComplete="off" value={draft.name} placeholder="NOC on call" error={fields["name"]}
        onChange={(event) => set({ name: event.target.value })} />
      <TargetFields channel={channel} draft={draft} was={was} set={set} wrong={fields} />
      {refused && <RefusedHelp kind={draft.kind} place={refused} />}
      {channel && (
        <CheckField label="On" hint="Off, nothing new goes there, and what waits stays." checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
      )}
    </Form>
  );
}

interface TargetProps {
  channel: Channel | null;
  draft: ChannelDraft;
  was: ChannelDraft | null;
  set: (change: Partial<ChannelDraft>) => void;
  wrong: Readonly<Record<string, string>>;
}

function TargetFields({ channel, draft, was, set, wrong }: TargetProps) {
  if (draft.kind === "email") return <Receivers draft={draft} set={set} error={wrong["to"]} />;
  if (draft.kind === "mqtt") return <BrokerFields draft={draft} was={was} set={set} wrong={wrong} />;
  const stays = channel ? `Now one at ${channel.host ?? "no host"}. Left empty, it stays: it is stored sealed and never shown.` : null;
  const hint = draft.kind === "slack" ? "Slack shows it where the incoming webhook was made. Stored sealed; never shown again."
    : "https, to the public internet. Stored sealed; never shown again.";
  return (
    <>
      <SecretField id="channel-url" label="URL" inputMode="url" value={draft.url} error={wrong["url"]} hint={stays ?? hint}
        placeholder={draft.kind === "slack" ? "https://hooks.slack.com/services/…" : "https://example.net/farwatch"}
        onChange={(event) => set({ url: event.target.value })} />
      {draft.kind === "webhook" && !channel && (
        <SecretField id="channel-secret" label="Signing key" value={draft.secret} error={wrong["secret"]} placeholder="made for you"
          hint="Only if the receiver has given you one, whsec_…" onChange={(event) => set({ secret: event.target.value })} />
      )}
    </>
  );
}

function Receivers({ draft, set, error }: Pick<TargetProps, "draft" | "set"> & { error: string | undefined }) {
  const count = receiversOf(draft.to).length;
  return (
    <FieldFrame id="channel-to" label="To" error={error} hint={count > 1 ? `${count} addresses; 20 at most.` : "One address on each line; 20 at most."}>
      <textarea id="channel-to" rows={3} className={`${INPUT} h-auto! py-1.5`} autoCapitalize="none" spellCheck={false} value={draft.to}
        placeholder="noc@example.net" aria-invalid={error ? true : undefined} aria-describedby="channel-to-note"
        onChange={(event) => set({ to: event.target.value })} />
    </FieldFrame>
  );
}
