import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ApiError, take } from "../../lib/api";
import type { Site } from "../../lib/types";
import { useKnownTags } from "../../lib/use-known-tags";
import { useSites } from "../../lib/use-sites";
import { Button } from "../../ui/button";
import { CheckField } from "../../ui/check-field";
import { FieldFrame } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { RadioCards } from "../../ui/radio-cards";
import { SidePanel } from "../../ui/side-panel";
import { TagField } from "../../ui/tag-field";
import { KIND_WORD } from "./channel-words";
import { ROUTES } from "./queries";
import { RemoveRoute } from "./remove-route";
import { sentenceHead, sentenceTail } from "./route-words";
import type { Channel, NewRoute, Route, Severity } from "./types";

/** `route`: one to be changed; `channel`: where a new one leads, if that is known already. */
export type OpenedRoute = { route: Route | null; channel: string | null } | null;

interface Props {
  opened: OpenedRoute;
  /** Those that this person may lead alerts to. */
  channels: readonly Channel[];
  onClose: () => void;
}

export function RoutePanel({ opened, channels, onClose }: Props) {
  return (
    <SidePanel open={opened !== null} onOpenChange={(open) => open || onClose()} held title={opened?.route ? "Edit the route" : "New route"}
      description="Which alerts go to a channel. One that several routes lead to is told once.">
      {opened && <RouteForm opened={opened} channels={channels} onDone={onClose} />}
    </SidePanel>
  );
}

const SEVERITY_CARDS = [
  { value: "critical", label: "Critical", note: "What cannot wait: for who is on call." },
  { value: "warning", label: "Warning or worse", note: "What somebody looks at today." },
  { value: "info", label: "All", note: "Also what is only good to know." },
] as const;

const SHOWS = ["channel", "severity", "sites", "tags", "on_resolved"];

/** Saved once more, it would be made once more. */
class HalfSaved extends Error {}

/** The API changes no route: the new one is made first, so that nobody goes untold, and the old one removed. */
async function saveRoute(body: NewRoute, old: Route | null): Promise<void> {
  await take(api.POST("/api/v1/routes", { body }));
  if (!old) return;
  try {
    await take(api.DELETE("/api/v1/routes/{id}", { params: { path: { id: old.id } } }));
  } catch (error) {
    // Somebody else has removed it.
    if (error instanceof ApiError && error.status === 404) return;
    const why = error instanceof Error ? error.message : "";
    throw new HalfSaved(
      `The new route is made, and the old one is still there. ${why} Close this and open the old one to remove it.`, { cause: error },
    );
  }
}

const NO_SITES: readonly Site[] = [];

function RouteForm({ opened, channels, onDone }: { opened: NonNullable<OpenedRoute>; channels: readonly Channel[]; onDone: () => void }) {
  const queries = useQueryClient();
  const { route } = opened;
  const [channel, setChannel] = useState(route?.channel.id ?? opened.channel ?? (channels.length === 1 ? (channels[0]?.id ?? "") : ""));
  const [severity, setSeverity] = useState<Severity>(route?.severity ?? "warning");
  const [sites, setSites] = useState<readonly string[]>(route?.sites ?? []);
  const [tags, setTags] = useState<readonly string[]>(route?.tags ?? []);
  const [resolved, setResolved] = useState(route?.on_resolved ?? true);
  const [isRemoving, setRemoving] = useState(false);
  const chosen = channels.find(({ id }) => id === channel);
  const tenant = chosen?.tenant.id ?? "";
  const known = useKnownTags(tenant);
  const all = useSites(tenant) ?? NO_SITES;
  const save = useMutation({
    mutationFn: () => saveRoute({ channel, severity, sites: [...sites], tags: [...tags], on_resolved: resolved }, route),
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: ROUTES }),
  });
  const fields = fieldErrors(save.error);
  const changeChannel = (id: string) => {
    // Sites are of one tenant.
    if (channels.find((one) => one.id === id)?.tenant.id !== tenant) setSites([]);
    setChannel(id);
  };
  const names = (id: string) => all.find((site) => site.id === id)?.name ?? "…";
  const several = new Set(channels.map((one) => one.tenant.id)).size > 1;
  const note = (one: Channel) => (several ? `${KIND_WORD[one.kind]} · ${one.tenant.name}` : KIND_WORD[one.kind]);
  return (
    <Form onSubmit={() => save.mutate()} error={save.error} shows={SHOWS} action={route ? "Save" : "Make the route"} busy={save.isPending}
      disabled={!chosen || save.error instanceof HalfSaved} onCancel={onDone}>
      <RadioCards legend="Which alerts" name="severity" cards={SEVERITY_CARDS} value={severity} onChange={setSeverity} error={fields["severity"]} />
      <FieldFrame id="route-channel" label="To the channel" error={fields["channel"]}>
        <Picker id="route-channel" label="To the channel" value={channel} onChange={changeChannel} invalid={!!fields["channel"]}
          placeholder="Who is told?" choices={channels.map((one) => ({ value: one.id, label: one.name, note: note(one) }))} />
      </FieldFrame>
      {chosen && <SitesField all={all} chosen={sites} onChange={setSites} error={fields["sites"]} />}
      <TagField id="route-tags" label="Tags" tags={tags} onChange={setTags} known={known} error={fields["tags"]}
        hint="Only devices with any of these; empty: with any tags or none." />
      <CheckField label="Also when they are resolved" checked={resolved} onChange={setResolved} />
      {chosen && (
        <p className="rounded-md border border-line bg-surface px-3 py-2" data-sentence>
          {sentenceHead({ severity, sites: [...sites], tags: [...tags] }, names)} <strong className="font-semibold">{chosen.name}</strong>
          {sentenceTail({ on_resolved: resolved })}
        </p>
      )}
      {route && <Button className="self-start" onClick={() => setRemoving(true)}>Remove this route…</Button>}
      <RemoveRoute route={isRemoving ? route : null} onClose={() => setRemoving(false)} onGone={onDone} />
    </Form>
  );
}

function SitesField({ all, chosen, onChange, error }: {
  all: readonly Site[]; chosen: readonly string[]; onChange: (sites: readonly string[]) => void; error: string | undefined;
}) {
  const isEvery = chosen.length === 0;
  return (
    <fieldset aria-describedby="route-sites-note">
      <legend className="mb-1 font-medium">Sites</legend>
      <div className="max-h-48 overflow-y-auto rounded-md border border-line px-3 py-1">
        {all.map(({ id, name }) => (
          <CheckField key={id} label={name} checked={chosen.includes(id)}
            onChange={(on) => onChange(on ? [...chosen, id] : chosen.filter((one) => one !== id))} />
        ))}
        {all.length === 0 && <p className="py-1.5 text-muted">No site yet.</p>}
      </div>
      <p id="route-sites-note" className={`mt-1 text-xs ${error ? "text-down" : "text-muted"}`} data-field-error={error ? "route-sites" : undefined}>
        {error ?? (isEvery ? "None is marked: those of every site, also of sites to come." : "Only those of the sites that are marked.")}
      </p>
    </fieldset>
  );
}
