import { lazy, Suspense, useRef, useState } from "react";
import { useSites } from "../../lib/use-sites";
import { Button } from "../../ui/button";
import { FilterChip } from "../../ui/chip";
import { Icon } from "../../ui/icon";

const Chooser = lazy(() => import("../../ui/chooser").then((m) => ({ default: m.Chooser })));

/** Some of the sites of a tenant. */
export function SiteField({ tenant, sites, onChange }: { tenant: string; sites: readonly string[]; onChange: (sites: readonly string[]) => void }) {
  const all = useSites(tenant) ?? [];
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const left = all.filter(({ id }) => !sites.includes(id));
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      {sites.map((id) => (
        <FilterChip key={id} label="Take it away" onRemove={() => onChange(sites.filter((one) => one !== id))}>
          {all.find((site) => site.id === id)?.name ?? "A site"}
        </FilterChip>
      ))}
      <Button ref={button} id="rule-site" aria-haspopup="dialog" aria-expanded={open} disabled={left.length === 0} onClick={() => setOpen(!open)}>
        <Icon name="plus" size={14} /> Add a site
      </Button>
      <Suspense>
        {open && (
          <Chooser label="Site" anchor={button} value="" options={left.map(({ id, name }) => ({ value: id, label: name }))} onClose={() => setOpen(false)}
            onChoose={(id) => {
              setOpen(false);
              onChange([...sites, id]);
            }} />
        )}
      </Suspense>
    </div>
  );
}
