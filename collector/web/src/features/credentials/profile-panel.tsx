import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, PAGE, take } from "../../lib/api";
import { byName } from "../../lib/format";
import type { CredentialProfile } from "../../lib/types";
import { useKnownTags } from "../../lib/use-known-tags";
import { FieldFrame, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { SidePanel } from "../../ui/side-panel";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { LOGIN_SHOWS } from "./login-draft";
import { LoginFields } from "./login-fields";
import { isProfileGiven, kindOf, profileDraftOf, profileWrong, sentOf, type Sort, withSort } from "./profile-draft";
import { SNMP_SHOWS, snmpErrors } from "./snmp-draft";
import { SnmpFields } from "./snmp-fields";

export const PROFILES = ["credential-profiles"] as const;

/** Null within: a new one, of this tenant if one is given. */
export type OpenedProfile = { profile: CredentialProfile | null; tenant?: string } | null;

const ANY = "any";

export function ProfilePanel({ opened, onClose }: { opened: OpenedProfile; onClose: () => void }) {
  const profile = opened?.profile ?? null;
  return (
    <SidePanel open={opened !== null} onOpenChange={(open) => open || onClose()} title={profile?.name ?? "New credential profile"}
      description="One credential for the devices that have none of their own.">
      <ProfileForm profile={profile} first={opened?.tenant} onDone={onClose} />
    </SidePanel>
  );
}

interface Wanted {
  name: string;
  tag: string | null;
}

/** A community goes with v1 as with v2c: the device says which. */
const KINDS = [
  { value: "v2c", label: "Community", note: "SNMP v1 and v2c" }, { value: "v3", label: "User", note: "SNMP v3" },
  { value: "ssh", label: "SSH login", note: "for configurations" },
] as const;
const STAYS = "Left as it is, it stays. To change something of it, type the passwords too: they are never shown.";
const SHOWS = ["name", "tenant", "site", "tag", "kind", ...SNMP_SHOWS, ...LOGIN_SHOWS];

function ProfileForm({ profile, first, onDone }: { profile: CredentialProfile | null; first: string | undefined; onDone: () => void }) {
  const queries = useQueryClient();
  const usual = useFirstTenant("write");
  const [tenant, setTenant] = useState(first ?? usual);
  const owner = profile?.tenant.id ?? tenant;
  const [site, setSite] = useState(profile?.site?.id ?? ANY);
  const known = useKnownTags(owner);
  const [was] = useState(() => profileDraftOf(profile));
  const [draft, setDraft] = useState(was);
  const [wrong, setWrong] = useState<Readonly<Record<string, string>> | null>(null);
  const save = useMutation({
    mutationFn: async ({ name, tag }: Wanted) => {
      const place = { name, tag, site: site === ANY ? null : site };
      if (profile) {
        const body = { ...place, ...(isProfileGiven(draft, was) ? sentOf(draft) : {}) };
        await take(api.PATCH("/api/v1/credential-profiles/{id}", { params: { path: { id: profile.id } }, body }));
      } else {
        const body = { ...place, tenant, ...sentOf(draft), kind: kindOf(draft) };
        await take(api.POST("/api/v1/credential-profiles", { body }));
      }
    },
    onSuccess: async () => {
      onDone();
      // A device that takes it is asked with another one from now on.
      await Promise.all([PROFILES, ["device"], ["config"]].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
  const fields = wrong ?? fieldErrors(save.error);
  const submit = (form: FormData) => {
    const found = profile && !isProfileGiven(draft, was) ? {} : profileWrong(draft);
    const isWrong = Object.keys(found).length > 0;
    setWrong(isWrong ? found : null);
    if (isWrong) return;
    const text = (name: string) => String(form.get(name) ?? "").trim();
    save.mutate({ name: text("name"), tag: text("tag") || null });
  };
  return (
    <Form onSubmit={submit} error={wrong ? new Error("Nothing is sent yet.") : save.error} fields={fields} shows={SHOWS}
      action={profile ? "Save" : "Make the profile"} busy={save.isPending} disabled={!owner} onCancel={onDone}>
      <TextField id="profile-name" name="name" label="Name" autoComplete="off" defaultValue={profile?.name} placeholder="Core switches"
        error={fields["name"]} />
      {!profile && <TenantField id="profile-tenant" need="write" value={tenant} error={fields["tenant"]} onChange={(id) => {
        setTenant(id);
        setSite(ANY);
      }} />}
      <SiteField tenant={owner} value={site} onChange={setSite} error={fields["site"]} />
      <TextField id="profile-tag" name="tag" label="Tag" list="profile-tags" autoComplete="off" autoCapitalize="none"
        defaultValue={profile?.tag ?? ""} placeholder="any" hint="Only devices with this tag; empty: with any or none." error={fields["tag"]} />
      <datalist id="profile-tags">{known.map((tag) => <option key={tag} value={tag}>{tag}</option>)}</datalist>
      {!profile && (
        <FieldFrame id="profile-version" label="Kind" error={fields["kind"]}>
          <Picker id="profile-version" label="Kind" value={draft.sort} choices={KINDS} invalid={!!fields["kind"]}
            onChange={(sort) => setDraft(withSort(draft, sort as Sort))} />
        </FieldFrame>
      )}
      {draft.sort === "ssh" ? (
        <LoginFields id="profile" draft={draft.login} onChange={(login) => setDraft({ ...draft, login })} wrong={fields}
          hint={profile ? STAYS : "One that may read the configuration. Stored sealed; never shown again."} />
      ) : (
        <SnmpFields id="profile" draft={draft.snmp} onChange={(snmp) => setDraft({ ...draft, snmp })} wrong={wrong ?? snmpErrors(fields)} versions={[]}
          hint={!profile ? "Stored sealed; never shown again." : draft.sort === "v3" ? STAYS : "Left empty, it stays. It is stored sealed and never shown."} />
      )}
    </Form>
  );
}

function SiteField({ tenant, value, onChange, error }: {
  tenant: string; value: string; onChange: (site: string) => void; error: string | undefined;
}) {
  const { data } = useQuery({
    queryKey: ["sites", "of", tenant],
    enabled: tenant !== "",
    queryFn: async () => (await take(api.GET("/api/v1/sites", { params: { query: { tenant, limit: PAGE } } }))).data,
  });
  const choices = (data ?? []).toSorted((a, b) => byName(a.name, b.name)).map(({ id, name }) => ({ value: id, label: name }));
  return (
    <FieldFrame id="profile-site" label="Site" error={error}>
      <Picker id="profile-site" label="Site" value={value} onChange={onChange} invalid={!!error}
        choices={[{ value: ANY, label: "Every site" }, ...choices]} />
    </FieldFrame>
  );
}
