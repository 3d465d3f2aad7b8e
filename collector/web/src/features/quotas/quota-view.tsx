import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { integer } from "../../lib/format";
import { useMay } from "../../lib/role";
import type { Quota, Tenant } from "../../lib/types";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { SidePanel } from "../../ui/side-panel";
import { EditQuota } from "./edit-quota";
import { fillOf, type Fill, type Kind, KINDS, share, usage, WORDS } from "./quota-words";

export const quotaKey = (tenant: string) => ["quota", tenant] as const;

const BAR: Readonly<Record<Fill, string>> = { free: "text-accent", near: "text-degraded", full: "text-down" };
const WORD: Readonly<Record<Fill, string>> = { free: "", near: "nearly full", full: "full" };

/** What a tenant has of what it may have. */
export function QuotaView({ tenant }: { tenant: Tenant }) {
  const may = useMay();
  const [editing, setEditing] = useState(false);
  const { data: quota, error, refetch } = useQuery({
    queryKey: quotaKey(tenant.id),
    queryFn: async () => (await take(api.GET("/api/v1/tenants/{id}/quota", { params: { path: { id: tenant.id } } }))).data,
  });
  if (error) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (!quota) return <p role="status" className="text-muted">Loading the quota…</p>;
  return (
    <div className="flex flex-col gap-3" data-quota={tenant.name}>
      <dl className="grid max-w-[760px] grid-cols-2 gap-x-10 gap-y-3 phone:grid-cols-1">
        {KINDS.map((kind) => <Allowance key={kind} kind={kind} quota={quota} />)}
      </dl>
      {quota.series_refused > 0 && (
        <p className="text-degraded">New groups of devices found no room {integer(quota.series_refused)} times: raise the series, or take out devices.</p>
      )}
      {may.provider
        ? <Button className="self-start" onClick={() => setEditing(true)}>Edit the quota</Button>
        : <p className="text-xs text-muted">An administrator of the provider changes these.</p>}
      <SidePanel open={editing} onOpenChange={setEditing} title={`Quota of ${tenant.name}`}
        description="An empty field is the installation's default.">
        <EditQuota tenant={tenant} quota={quota} onDone={() => setEditing(false)} />
      </SidePanel>
    </div>
  );
}

function Allowance({ kind, quota }: { kind: Kind; quota: Quota }) {
  const allowance = quota[kind];
  const fill = fillOf(allowance);
  return (
    <div>
      <dt className="flex items-baseline justify-between gap-3">
        <span title={WORDS[kind].note}>{WORDS[kind].label}{allowance.is_default && <span className="text-xs text-muted"> · default</span>}</span>
        <span className="num">
          {WORD[fill] && <span className={`mr-2 text-xs ${BAR[fill]}`}>{WORD[fill]}</span>}
          {usage(allowance)}
        </span>
      </dt>
      {allowance.used === null && <dd className="text-xs text-muted">{WORDS[kind].note}</dd>}
      {allowance.used !== null && (
        <dd className="mt-1">
          {/* The figures beside it say the same. */}
          <svg aria-hidden="true" className="h-1.5 w-full rounded-full bg-line" preserveAspectRatio="none" viewBox="0 0 100 1">
            <rect className={BAR[fill]} fill="currentColor" height="1" width={share(allowance) * 100} />
          </svg>
        </dd>
      )}
    </div>
  );
}
