import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { live } from "../../lib/live-app";
import type { Site } from "../../lib/types";
import { SITES } from "../../lib/use-sites";
import { Confirm } from "../../ui/confirm";
import { NamePanel } from "../../ui/name-panel";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";

/** Names a site; null is a new one. */
export function NameSite({ site, onClose }: { site: Pick<Site, "id" | "name"> | null; onClose: () => void }) {
  const queries = useQueryClient();
  const first = useFirstTenant("write");
  const [chosen, setChosen] = useState("");
  const tenant = chosen || first;
  const save = async (name: string) => {
    if (site) await take(api.PATCH("/api/v1/sites/{id}", { params: { path: { id: site.id } }, body: { name } }));
    else await take(api.POST("/api/v1/sites", { body: { tenant, name } }));
    live.refreshDevices();
    live.refreshAgents();
    await queries.invalidateQueries({ queryKey: SITES });
  };
  return (
    <NamePanel open onClose={onClose} save={save} name={site?.name ?? ""} placeholder="Rooftop North"
      title={site ? `Rename ${site.name}` : "New site"} action={site ? "Rename" : "Make the site"} shows={["tenant"]}
      description={site ? "Names such as router.site.tenant change with it." : "A place where an agent stands, or will."}
      disabled={!site && !tenant}>
      {site ? undefined : (fields) => (
        <TenantField id="site-tenant" need="write" value={tenant} onChange={setChosen} error={fields["tenant"]} />
      )}
    </NamePanel>
  );
}

export function RemoveSite({ site, onClose, onRemoved }: { site: Pick<Site, "id" | "name">; onClose: () => void; onRemoved: () => Promise<void> }) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/sites/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      await onRemoved();
      await queries.invalidateQueries({ queryKey: SITES });
    },
  });
  return (
    <Confirm open title={`Remove ${site.name}?`} action="Remove site" busy={remove.isPending}
      error={remove.error}
      onOpenChange={(open) => {
        if (open) return;
        remove.reset();
        onClose();
      }}
      onConfirm={() => remove.mutate(site.id)}>
      Only a site where nothing stands can be removed: move its agents to another one first.
    </Confirm>
  );
}
