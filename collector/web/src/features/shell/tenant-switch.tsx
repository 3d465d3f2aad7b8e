import { lazy, Suspense, useRef, useState } from "react";
import { clockTime } from "../../lib/format";
import { type Tenant, useScope } from "../../lib/scope";
import { LAYER } from "../../lib/commands";
import { useCommands } from "../../lib/use-commands";
import { Button } from "../../ui/button";
import { DemoMark } from "../../ui/demo-mark";
import { Icon } from "../../ui/icon";

const Chooser = lazy(() => import("../../ui/chooser").then((m) => ({ default: m.Chooser })));

const ALL = "all";

/** When the provider access ends by which one is in it. */
function until({ granted_until: end }: Tenant): string | undefined {
  return end ? `until ${clockTime(Date.parse(end), false)}` : undefined;
}

/** Narrows every page to one tenant. Who sees one only reads its name. */
export function TenantSwitch({ onChange }: { onChange: (tenant: string | null) => void }) {
  const { tenants, tenant } = useScope();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useCommands({ "tenant.switch": tenants.length > 1 && (() => setOpen(true)) }, LAYER.frame);
  const [only] = tenants;
  if (!only) return null;
  if (tenants.length === 1) {
    return (
      <span data-tenant={only.id} title={`Tenant: ${only.name}`}
        className="inline-flex max-w-56 min-w-0 shrink items-center gap-1.5 px-1 desk:mr-3">
        <span className="text-muted"><Icon name="tenant" size={15} /></span>
        <span className="clip"><span className="sr-only">Tenant: </span>{only.name}</span>
        {only.demo && <DemoMark />}
      </span>
    );
  }
  const name = tenant?.name ?? "All tenants";
  return (
    <>
      <Button
        ref={button}
        data-tenant-switch={tenant?.id ?? ALL}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={`Tenant: ${name}`}
        title={`${name}${tenant && until(tenant) ? `, ${until(tenant)}` : ""} · switch tenant (T)`}
        onClick={() => setOpen(!open)}
        className={`max-w-56 min-w-0 shrink px-2.5 phone:px-2 desk:mr-3 ${tenant ? "border-accent! bg-selected!" : ""}`}
      >
        <span className={tenant ? "text-accent" : "text-muted"}><Icon name="tenant" size={15} /></span>
        <span className="clip">{name}</span>
        {tenant?.demo && <DemoMark />}
        <span className="text-faint"><Icon name="chevron" size={14} /></span>
      </Button>
      <Suspense>
        {open && (
          <Chooser
            label="Tenant"
            anchor={button}
            value={tenant?.id ?? ALL}
            options={[
              { value: ALL, label: "All tenants" },
              ...tenants.map((one) => ({ value: one.id, label: one.name, detail: one.demo ? "Demo" : undefined, note: until(one) })),
            ]}
            onClose={() => setOpen(false)}
            onChoose={(value) => {
              setOpen(false);
              onChange(value === ALL ? null : value);
            }}
          />
        )}
      </Suspense>
    </>
  );
}
