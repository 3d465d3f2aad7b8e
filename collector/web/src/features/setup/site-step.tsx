import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";
import { api, take } from "../../lib/api";
import { counted } from "../../lib/format";
import { useTenantsFor } from "../../lib/role";
import type { Site } from "../../lib/types";
import { useSites } from "../../lib/use-sites";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { TextField } from "../../ui/field";
import { fieldErrors } from "../../ui/form";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { SITES } from "../../lib/use-sites";

/** So many names stand as buttons; more are found by typing. */
const OFFERED = 6;

/** Where the devices stand: a new place, or one that is there. */
export function SiteForm({ onSite }: { onSite: (id: string) => void }) {
  const [tenant, setTenant] = useState(useFirstTenant("write"));
  const [typed, setTyped] = useState("");
  const list = useId();
  const queries = useQueryClient();
  const sites = useSites(tenant);
  const name = typed.trim();
  const same = sites?.find((site) => site.name.toLowerCase() === name.toLowerCase());
  const make = useMutation({
    mutationFn: async (): Promise<Site> => same ?? (await take(api.POST("/api/v1/sites", { body: { tenant, name } }))).data,
    onSuccess: async (site) => {
      await queries.invalidateQueries({ queryKey: SITES });
      onSite(site.id);
    },
  });
  const fields = fieldErrors(make.error);
  if (useTenantsFor("write").length === 0) {
    return (
      <p className="max-w-[62ch] text-muted" data-no-tenant>
        A site is a tenant’s, and this collector has none yet.{" "}
        <Link to="/settings/tenants" className="text-accent underline underline-offset-4">Make the first tenant</Link>, then come back.
      </p>
    );
  }
  return (
    <form noValidate className="flex max-w-[440px] flex-col gap-3" onSubmit={(event) => {
      event.preventDefault();
      make.mutate();
    }}>
      <TenantField id="setup-tenant" need="write" value={tenant} onChange={setTenant} error={fields["tenant"]} />
      <div className="flex items-end gap-2">
        <div className="min-w-0 flex-1">
          <TextField id="setup-site" label="Name of the site" list={list} autoComplete="off" placeholder="Rooftop North" value={typed}
            error={fields["name"]} onChange={(event) => setTyped(event.target.value)} />
        </div>
        {!fields["name"] && <Submit isBusy={make.isPending} disabled={!tenant || !name} isThere={!!same} />}
      </div>
      {fields["name"] && <Submit isBusy={make.isPending} disabled={!tenant || !name} isThere={!!same} />}
      <datalist id={list}>{sites?.map((site) => <option key={site.id} value={site.name}>{site.name}</option>)}</datalist>
      {sites && sites.length > 0 && (
        <div className="flex flex-wrap items-center gap-1.5">
          <span className="mr-1 text-xs text-muted">
            {sites.length > OFFERED ? `or one of ${counted(sites.length, "site")}, such as` : "or one that is there:"}
          </span>
          {sites.slice(0, OFFERED).map((site) => (
            <Button key={site.id} className="h-7 max-w-full" onClick={() => onSite(site.id)}><span className="clip">{site.name}</span></Button>
          ))}
        </div>
      )}
      {make.error && Object.keys(fields).length === 0 && <ErrorNote error={make.error} />}
    </form>
  );
}

function Submit({ isBusy, disabled, isThere }: { isBusy: boolean; disabled: boolean; isThere: boolean }) {
  return (
    <Button type="submit" look="solid" className="self-end" disabled={isBusy || disabled}>{isThere ? "Take this site" : "Make the site"}</Button>
  );
}
