import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { expiryDays, inHours } from "../../lib/expiry";
import type { CreatedApiKey, Scope } from "../../lib/types";
import { ExpiryField } from "../../ui/expiry-field";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { RadioCards } from "../../ui/radio-cards";
import { SecretOnce } from "../../ui/secret-once";
import { SidePanel } from "../../ui/side-panel";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";

const SPANS = [30, 90, 365].map((days) => ({ label: `in ${days} days`, hours: days * 24 }));
const USUAL = inHours(90 * 24);
/** The server refuses more. */
const MAX_DAYS = 365;

const RIGHTS = [
  { value: "read", label: "Read", note: "Sees what a viewer sees." },
  { value: "write", label: "Read and write", note: "Adds and removes devices as an operator does." },
] as const;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function NewKey({ open, onOpenChange }: Props) {
  const [made, setMade] = useState<CreatedApiKey | null>(null);
  const change = (next: boolean) => {
    if (!next) setMade(null);
    onOpenChange(next);
  };
  return (
    <SidePanel open={open} onOpenChange={change} held={made !== null} title={made ? made.name : "New API key"}
      description={made ? "The key is made." : "For scripts and other systems. It belongs to one tenant."}>
      {made ? (
        <SecretOnce what="key" text={made.key} onDone={() => change(false)} />
      ) : (
        <KeyForm onMade={setMade} onCancel={() => change(false)} />
      )}
    </SidePanel>
  );
}

function KeyForm({ onMade, onCancel }: { onMade: (key: CreatedApiKey) => void; onCancel: () => void }) {
  const queries = useQueryClient();
  const [tenant, setTenant] = useState(useFirstTenant());
  const [rights, setRights] = useState<(typeof RIGHTS)[number]["value"]>("read");
  const [expiry, setExpiry] = useState(USUAL);
  const make = useMutation({
    mutationFn: (name: string) => {
      const scopes: Scope[] = rights === "write" ? ["read", "write"] : ["read"];
      const expires_in_days = expiryDays(expiry, serverNow());
      return take(api.POST("/api/v1/api-keys", { body: { tenant, name, scopes, expires_in_days } }));
    },
    onSuccess: async ({ data }) => {
      onMade(data);
      await queries.invalidateQueries({ queryKey: ["api-keys"] });
    },
  });
  const fields = fieldErrors(make.error);
  return (
    <Form onSubmit={(form) => make.mutate(String(form.get("name") ?? "").trim())} error={make.error}
      shows={["name", "tenant", "scopes", "expires_in_days"]} action="Make the key" busy={make.isPending}
      disabled={!tenant || expiryDays(expiry, serverNow()) === null} onCancel={onCancel}>
      <TextField id="key-name" name="name" label="Name" autoComplete="off" placeholder="What uses it"
        error={fields["name"]} />
      <TenantField id="key-tenant" value={tenant} onChange={setTenant} error={fields["tenant"]} />
      <RadioCards legend="It may" name="scopes" cards={RIGHTS} value={rights} onChange={setRights}
        error={fields["scopes"]} />
      <ExpiryField id="key-expiry" label="Expires" spans={SPANS} maxDays={MAX_DAYS} value={expiry}
        onChange={setExpiry} error={fields["expires_in_days"]} />
    </Form>
  );
}
