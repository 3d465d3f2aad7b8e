import { useScope } from "../lib/scope";
import { FieldFrame } from "./field";
import { Picker } from "./picker";

interface Props {
  id: string;
  value: string;
  onChange: (id: string) => void;
  error?: string | undefined;
}

/** Whose a new thing is. Nothing to choose for who sees one tenant only. */
export function TenantField({ id, value, onChange, error }: Props) {
  const { tenants } = useScope();
  if (tenants.length < 2 && !error) return null;
  return (
    <FieldFrame id={id} label="Tenant" error={error}>
      <Picker id={id} label="Tenant" value={value} onChange={onChange} invalid={!!error}
        placeholder="Whose is it?" choices={tenants.map(({ id: of, name }) => ({ value: of, label: name }))} />
    </FieldFrame>
  );
}

/** The tenant that a new thing is for before somebody chooses: never a guess among several. */
export function useFirstTenant(): string {
  const { tenants, tenant } = useScope();
  return tenant?.id ?? (tenants.length === 1 ? (tenants[0]?.id ?? "") : "");
}
