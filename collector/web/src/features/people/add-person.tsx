import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "../../lib/api";
import { useMay } from "../../lib/role";
import { useScope } from "../../lib/scope";
import { CheckField } from "../../ui/check-field";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { RadioCards } from "../../ui/radio-cards";
import { RoleField } from "../../ui/role-field";
import { SecretOnce } from "../../ui/secret-once";
import { SidePanel } from "../../ui/side-panel";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { addPerson, type Newcomer, PEOPLE, type TenantRole } from "./people";

const KINDS = [
  { value: "member", label: "Of tenants", note: "Works in the tenants that you choose." },
  { value: "staff", label: "Provider staff", note: "Sees no tenant by themselves: gets provider access for hours, for a reason." },
  { value: "super_admin", label: "Provider administrator", note: "All of all tenants, and of this collector." },
] as const;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function AddPerson({ open, onOpenChange }: Props) {
  const [made, setMade] = useState<{ email: string; password: string | null } | null>(null);
  const password = made?.password ?? null;
  const change = (next: boolean) => {
    if (!next) setMade(null);
    onOpenChange(next);
  };
  return (
    <SidePanel open={open} onOpenChange={change} held={password !== null} title={made ? made.email : "Add person"}
      description={made ? "They can sign in now." : "An account, and what it may do."}>
      {password !== null && (
        <SecretOnce what="one-time password" text={password} onDone={() => change(false)}
          note="Give it to them by a way that you trust; they choose their own at the first sign-in." />
      )}
      {made && password === null && (
        <p role="status">They have an account already and sign in with their own password. Their new role counts from now.</p>
      )}
      {!made && <PersonForm onMade={setMade} onCancel={() => change(false)} />}
    </SidePanel>
  );
}

function explain(error: Error | null): Error | null {
  if (error instanceof ApiError && error.code === "exists") {
    return new Error("This person is there already: change their role with «Edit» in the list.");
  }
  if (error instanceof ApiError && error.code === "account_elsewhere") {
    return new Error("This person has an account in other tenants. Ask an administrator of the provider to add them here.");
  }
  return error;
}

function PersonForm({ onMade, onCancel }: {
  onMade: (made: { email: string; password: string | null }) => void; onCancel: () => void;
}) {
  const queries = useQueryClient();
  const may = useMay();
  const { tenants } = useScope();
  const first = useFirstTenant();
  const [as, setAs] = useState<Newcomer["as"]>("member");
  const [role, setRole] = useState<TenantRole>("viewer");
  const [chosen, setChosen] = useState<readonly string[]>(first ? [first] : []);
  const add = useMutation({
    mutationFn: async (email: string) => {
      return { email, password: await addPerson({ email, as, role, tenants: chosen }) };
    },
    onSuccess: onMade,
    // Of several tenants some may have been done before one failed.
    onSettled: () => queries.invalidateQueries({ queryKey: PEOPLE }),
  });
  const fields = fieldErrors(add.error);
  const toggle = (id: string, on: boolean) => setChosen(on ? [...chosen, id] : chosen.filter((one) => one !== id));
  return (
    <Form onSubmit={(form) => add.mutate(String(form.get("email") ?? "").trim())} error={explain(add.error)}
      fields={fields} shows={["email", "role"]} action="Add person" busy={add.isPending} busyAction="Adding…"
      disabled={as === "member" && chosen.length === 0} onCancel={onCancel}>
      <TextField id="person-email" name="email" type="email" label="Email" autoComplete="off" autoCapitalize="none"
        spellCheck={false} placeholder="name@example.net" error={fields["email"]} />
      {may.provider && <RadioCards legend="They are" name="as" cards={KINDS} value={as} onChange={setAs} />}
      {as === "member" && (
        <>
          <RoleField value={role} giver="tenant_admin" error={fields["role"]}
            onChange={(next) => next !== "super_admin" && setRole(next)} />
          {may.provider && tenants.length > 1 ? (
            <fieldset className="flex flex-col">
              <legend className="mb-1 font-medium">In</legend>
              {tenants.map(({ id, name }) => (
                <CheckField key={id} label={name} checked={chosen.includes(id)} onChange={(on) => toggle(id, on)} />
              ))}
              {chosen.length === 0 && <p className="text-xs text-muted">Choose one tenant at least.</p>}
            </fieldset>
          ) : (
            <TenantField id="person-tenant" value={chosen[0] ?? ""} onChange={(id) => setChosen([id])} />
          )}
        </>
      )}
    </Form>
  );
}
