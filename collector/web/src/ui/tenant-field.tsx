import { type OfRole, useTenantsFor } from "../lib/role";
import { useScope } from "../lib/scope";
import { FieldFrame } from "./field";
import { Picker } from "./picker";

interface Props {
  id: string;
  value: string;
  onChange: (id: string) => void;
  /** What making it asks of a person in that tenant. */
  need?: keyof OfRole;
  error?: string | undefined;
}

/** Whose a new thing is: a tenant in which this person may make it. Nothing to choose for who sees one tenant only. */
export function TenantField({ id, value, onChange, need = "admin", error }: Props) {
  const { tenants } = useScope();
  const offered = useTenantsFor(need);
  if (tenants.length < 2 && !error) return null;
  return (
    <FieldFrame id={id} label="Tenant" error={error}>
      <Picker id={id} label="Tenant" value={value} onChange={onChange} invalid={!!error}
        placeholder="Whose is it?" choices={offered.map(({ id: of, name }) => ({ value: of, label: name }))} />
    </FieldFrame>
  );
}

/** The tenant that a new thing is for before somebody chooses: never a guess among several. */
export function useFirstTenant(need: keyof OfRole = "admin"): string {
  const { tenant } = useScope();
  const offered = useTenantsFor(need);
  const first = tenant ? offered.find(({ id }) => id === tenant.id) : offered.length === 1 ? offered[0] : undefined;
  return first?.id ?? "";
}
