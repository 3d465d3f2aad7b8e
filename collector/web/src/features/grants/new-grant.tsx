import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, PAGE, take, takeAll } from "../../lib/api";
import { inHours } from "../../lib/expiry";
import { byName } from "../../lib/format";
import { useMay } from "../../lib/role";
import { ExpiryField } from "../../ui/expiry-field";
import { FieldFrame, TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { Picker } from "../../ui/picker";
import { RoleField } from "../../ui/role-field";
import { SidePanel } from "../../ui/side-panel";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { PEOPLE } from "../people/people";
import { minutesOf } from "./grant-state";
import { GRANTS } from "./grants";

/** The server gives no more than eight hours. */
const SPANS = [1, 2, 4, 8].map((hours) => ({ label: hours === 1 ? "for 1 hour" : `for ${hours} hours`, hours }));
const USUAL = inHours(2);

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function NewGrant({ open, onOpenChange }: Props) {
  return (
    <SidePanel open={open} onOpenChange={onOpenChange} title="Give provider access"
      description="One of the provider's staff sees one tenant, for hours. The tenant sees who and why.">
      <GrantForm onDone={() => onOpenChange(false)} />
    </SidePanel>
  );
}

/** Whom one can choose, for who may list the provider's people; null for others, who type the address. */
function useStaff(): readonly string[] | null {
  const may = useMay();
  const { data, error } = useQuery({
    queryKey: [...PEOPLE, "staff"],
    enabled: may.provider,
    queryFn: () => takeAll((cursor) =>
      take(api.GET("/api/v1/users", { params: { query: { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) } } }))),
  });
  if (!may.provider || error) return null;
  return (data ?? []).filter(({ staff, disabled }) => staff && !disabled).map(({ email }) => email).toSorted(byName);
}

/** Who is let in: chosen from a list, or typed where there is none. */
function WhoField({ value, onChange, error }: { value: string; onChange: (email: string) => void; error: string | undefined }) {
  const staff = useStaff();
  if (staff === null) {
    return (
      <TextField id="grant-email" type="email" label="Who" autoComplete="off" autoCapitalize="none" spellCheck={false}
        value={value} onChange={(event) => onChange(event.target.value)} placeholder="name@provider.example"
        hint="The email of one of the provider's staff." error={error} />
    );
  }
  return (
    <FieldFrame id="grant-email" label="Who" error={error}
      hint={staff.length === 0 ? "Nobody is of the provider's staff yet: that is said on the page «People»." : undefined}>
      <Picker id="grant-email" label="Who" value={value} onChange={onChange} invalid={!!error}
        placeholder="One of the provider's staff" choices={staff.map((email) => ({ value: email, label: email }))} />
    </FieldFrame>
  );
}

function GrantForm({ onDone }: { onDone: () => void }) {
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [tenant, setTenant] = useState(useFirstTenant());
  const [role, setRole] = useState<"viewer" | "operator" | "tenant_admin">("viewer");
  const [expiry, setExpiry] = useState(USUAL);
  const give = useMutation({
    mutationFn: (reason: string) =>
      take(api.POST("/api/v1/grants", { body: { tenant, email: email.trim(), reason, role, minutes: minutesOf(expiry) } })),
    onSuccess: async () => {
      onDone();
      await queries.invalidateQueries({ queryKey: GRANTS });
    },
  });
  const fields = fieldErrors(give.error);
  return (
    <Form onSubmit={(form) => give.mutate(String(form.get("reason") ?? "").trim())} error={give.error} shows={["email", "tenant", "role", "reason", "minutes"]} action="Give access"
      busy={give.isPending} disabled={!tenant} onCancel={onDone}>
      <WhoField value={email} onChange={setEmail} error={fields["email"]} />
      <TenantField id="grant-tenant" value={tenant} onChange={setTenant} error={fields["tenant"]} />
      <RoleField value={role} giver="tenant_admin" error={fields["role"]}
        onChange={(next) => next !== "super_admin" && setRole(next)} />
      <TextField id="grant-reason" name="reason" label="Why" autoComplete="off" maxLength={500}
        placeholder="Ticket 4711: no traffic at the depot" hint="The tenant reads it." error={fields["reason"]} />
      <ExpiryField id="grant-until" label="How long" spans={SPANS} value={expiry} onChange={setExpiry} error={fields["minutes"]} />
    </Form>
  );
}
