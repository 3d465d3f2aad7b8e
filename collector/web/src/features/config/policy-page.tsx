import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { serverNow } from "../../lib/clock";
import { clockTime, duration, NONE } from "../../lib/format";
import { useTenantsFor } from "../../lib/role";
import { useScope } from "../../lib/scope";
import { useTitle } from "../../lib/use-title";
import { CheckField } from "../../ui/check-field";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { FieldFrame, INPUT } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { PageHead } from "../../ui/page-head";
import { Picker } from "../../ui/picker";
import { Skeleton } from "../../ui/skeleton";
import { Tag } from "../../ui/tag";
import { useFirstTenant } from "../../ui/tenant-field";
import { draftOf, draftWrong, localClock, type PolicyDraft, policyOf } from "./policy-draft";
import { MirrorState } from "./mirror-state";
import { usePolicy, useSavePolicy } from "./queries";
import type { Policy } from "./types";
import { EVERY } from "./words";

const SHOWS = ["window", "per_site_max", "keep_days", "keep_versions", "every_s"];

/** When the configurations of a tenant are fetched, and how long they are kept. */
export function PolicyPage() {
  const { tenant } = useScope();
  const offered = useTenantsFor("admin");
  const owner = useFirstTenant();
  const navigate = useNavigate({ from: "/settings/configurations" });
  const { data, error, refetch } = usePolicy(owner);
  useTitle("Config backup");
  return (
    <>
      <PageHead title="Config backup">
        {/* One choice for the page and its head: what is chosen here narrows all pages, as there. */}
        {owner !== tenant?.id && offered.length > 1 && (
          <Picker label="Tenant" className="desk:w-56!" value={owner} placeholder="Whose policy?"
            onChange={(id) => void navigate({ search: (old) => ({ ...old, tenant: id }), replace: true })} choices={offered.map(({ id, name }) => ({ value: id, label: name }))} />
        )}
        {data?.is_default && <Tag title="Nothing was changed here yet">as delivered</Tag>}
      </PageHead>
      <div className="max-w-[560px] px-4 pb-6 phone:px-3">
        <p className="pb-4 text-muted">
          A device with a login by SSH is backed up as this says, unless its own settings say otherwise. Each fetch is moved by
          some minutes, so that not all come at once.
        </p>
        {error && <ErrorNote error={error} onRetry={() => void refetch()} />}
        {owner === "" && <Empty title="Whose policy?"><p>Each tenant has one of its own. Choose a tenant above.</p></Empty>}
        {owner !== "" && !data && !error && <Skeleton label="Loading the policy" />}
        {data && <PolicyForm key={data.tenant.id} policy={data} />}
        {data && <MirrorState mirror={data.mirror} />}
      </div>
    </>
  );
}

function PolicyForm({ policy }: { policy: Policy }) {
  const [draft, setDraft] = useState(() => draftOf(policy));
  const [wrong, setWrong] = useState<Readonly<Record<string, string>> | null>(null);
  const [saved, setSaved] = useState(false);
  const save = useSavePolicy(() => setSaved(true));
  const fields = wrong ?? fieldErrors(save.error);
  const set = (change: Partial<PolicyDraft>) => {
    setSaved(false);
    setDraft({ ...draft, ...change });
  };
  const submit = () => {
    const found = draftWrong(draft);
    const isWrong = Object.keys(found).length > 0;
    setWrong(isWrong ? found : null);
    if (!isWrong) save.mutate(policyOf(draft, policy.tenant.id));
  };
  const every = EVERY.some(({ value }) => value === draft.every) ? EVERY : [...EVERY, { value: draft.every, label: `every ${duration(Number(draft.every))}` }];
  return (
    <Form onSubmit={submit} error={wrong ? new Error("Nothing is sent yet.") : save.error} fields={fields} shows={SHOWS} action="Save"
      busy={save.isPending} cancelLabel="Undo" onCancel={() => {
        setWrong(null);
        save.reset();
        set(draftOf(policy));
      }}>
      <CheckField label="Back up all devices that have a login" checked={draft.enabled} onChange={(enabled) => set({ enabled })}
        hint="Off: only devices whose own settings say so, and whatever somebody asks for." />
      <FieldFrame id="policy-every" label="How often" error={fields["every_s"]}>
        <Picker id="policy-every" label="How often" value={draft.every} choices={every} onChange={(value) => set({ every: value })} />
      </FieldFrame>
      <WindowFields draft={draft} set={set} error={fields["window"]} />
      <div className="grid grid-cols-3 gap-4 phone:grid-cols-1">
        <CountField id="policy-site" label="Parallel fetches" unit="per site" value={draft.perSite} error={fields["per_site_max"]}
          hint="1 to 64; 1 for a thin line." onChange={(perSite) => set({ perSite })} />
        <CountField id="policy-versions" label="Always keep" unit="versions" value={draft.keepVersions} error={fields["keep_versions"]}
          hint="Of each device, however old." onChange={(keepVersions) => set({ keepVersions })} />
        <CountField id="policy-days" label="Keep older ones" unit="days" value={draft.keepDays} error={fields["keep_days"]}
          hint="Then they are deleted for good." onChange={(keepDays) => set({ keepDays })} />
      </div>
      <p role="status" className={saved ? "text-up" : "sr-only"}>{saved && "Saved."}</p>
    </Form>
  );
}

interface CountProps {
  id: string;
  label: string;
  /** It stands in the field, behind the number. */
  unit: string;
  hint: string;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}

function CountField({ id, label, unit, hint, value, error, onChange }: CountProps) {
  return (
    <FieldFrame id={id} label={label} hint={hint} error={error}>
      <span className="relative block">
        <input id={id} className={`${INPUT} pr-20! tabular-nums`} inputMode="numeric" autoComplete="off" value={value} aria-invalid={error ? true : undefined}
          aria-describedby={`${id}-unit ${id}-note`} onChange={(event) => onChange(event.target.value)} />
        <span id={`${id}-unit`} className="pointer-events-none absolute inset-y-0 right-2.5 flex items-center text-muted">{unit}</span>
      </span>
    </FieldFrame>
  );
}

function WindowFields({ draft, set, error }: { draft: PolicyDraft; set: (change: Partial<PolicyDraft>) => void; error: string | undefined }) {
  const here = (utc: string) => localClock(utc, serverNow(), (ms) => clockTime(ms, false)) ?? NONE;
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="font-medium">Hours</legend>
      <CheckField label="Only at some hours" checked={draft.hasWindow} onChange={(hasWindow) => set({ hasWindow })}
        hint="What somebody asks for by hand is fetched at any hour." />
      {draft.hasWindow && (
        <div className="flex flex-col gap-1">
          <span className="flex items-center gap-2">
            <ClockInput label="From, UTC" value={draft.from} wrong={!!error} onChange={(from) => set({ from })} />
            <span className="text-muted">to</span>
            <ClockInput label="To, UTC" value={draft.to} wrong={!!error} onChange={(to) => set({ to })} />
            <span className="text-muted">UTC</span>
          </span>
          {error ? <p className="text-xs text-down" data-field-error="window">{error}</p>
            : <p className="text-xs text-muted" data-local-hours>Here: {here(draft.from)} to {here(draft.to)}.</p>}
        </div>
      )}
    </fieldset>
  );
}

function ClockInput({ label, value, wrong, onChange }: { label: string; value: string; wrong: boolean; onChange: (value: string) => void }) {
  return (
    <input aria-label={label} className={`${INPUT} w-24! tabular-nums`} value={value} placeholder="01:30" inputMode="numeric" maxLength={5} autoComplete="off"
      aria-invalid={wrong || undefined} onChange={(event) => onChange(event.target.value)} />
  );
}
