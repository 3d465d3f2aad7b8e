import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, PAGE, take } from "../../lib/api";
import { inHours } from "../../lib/expiry";
import { useMay } from "../../lib/role";
import { ExpiryField } from "../../ui/expiry-field";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { RoleField } from "../../ui/role-field";
import { SidePanel } from "../../ui/side-panel";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { minutesOf } from "./grant-state";

export const GRANTS = ["grants"] as const;

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

/** Addresses to choose from, for who may list the provider's people. */
function useStaff(): readonly string[] {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ["people", "staff"],
    enabled: may.provider,
    queryFn: async () => (await take(api.GET("/api/v1/users", { params: { query: { limit: PAGE } } }))).data,
  });
  return (data ?? []).filter(({ staff, disabled }) => staff && !disabled).map(({ email }) => email);
}

function GrantForm({ onDone }: { onDone: () => void }) {
  const queries = useQueryClient();
  const staff = useStaff();
  const [tenant, setTenant] = useState(useFirstTenant());
  const [role, setRole] = useState<"viewer" | "operator" | "tenant_admin">("viewer");
  const [expiry, setExpiry] = useState(USUAL);
  const give = useMutation({
    mutationFn: ({ email, reason }: { email: string; reason: string }) =>
      take(api.POST("/api/v1/grants", { body: { tenant, email, reason, role, minutes: minutesOf(expiry) } })),
    onSuccess: async () => {
      onDone();
      await queries.invalidateQueries({ queryKey: GRANTS });
    },
  });
  const fields = fieldErrors(give.error);
  const submit = (form: FormData) => give.mutate({
    email: String(form.get("email") ?? "").trim(), reason: String(form.get("reason") ?? "").trim(),
  });
  return (
    <Form onSubmit={submit} error={give.error} shows={["email", "tenant", "role", "reason", "minutes"]} action="Give access"
      busy={give.isPending} disabled={!tenant} onCancel={onDone}>
      <TextField id="grant-email" name="email" type="email" label="Who" list="staff-emails" autoComplete="off"
        autoCapitalize="none" spellCheck={false} placeholder="name@provider.example"
        hint="The email of one of the provider's staff." error={fields["email"]} />
      <datalist id="staff-emails">{staff.map((email) => <option key={email} value={email}>{email}</option>)}</datalist>
      <TenantField id="grant-tenant" value={tenant} onChange={setTenant} error={fields["tenant"]} />
      <RoleField value={role} giver="tenant_admin" error={fields["role"]}
        onChange={(next) => next !== "super_admin" && setRole(next)} />
      <TextField id="grant-reason" name="reason" label="Why" autoComplete="off" maxLength={500}
        placeholder="Ticket 4711: no traffic at the depot" hint="The tenant reads it." error={fields["reason"]} />
      <ExpiryField id="grant-until" label="How long" spans={SPANS} value={expiry} onChange={setExpiry} error={fields["minutes"]} />
    </Form>
  );
}
