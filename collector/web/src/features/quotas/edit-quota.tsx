import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { integer } from "../../lib/format";
import type { Quota, Tenant } from "../../lib/types";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { type Kind, KINDS, parseLimit, WORDS } from "./quota-words";

type Limits = Partial<Record<Kind, number | null>>;

export function EditQuota({ tenant: { id }, quota, onDone }: { tenant: Tenant; quota: Quota; onDone: () => void }) {
  const queries = useQueryClient();
  const [wrong, setWrong] = useState<Readonly<Record<string, string>>>({});
  const save = useMutation({
    mutationFn: (body: Limits) => take(api.PUT("/api/v1/tenants/{id}/quota", { params: { path: { id } }, body })),
    onSuccess: ({ data }) => {
      queries.setQueryData(["quota", id], data);
      onDone();
    },
  });
  const submit = (form: FormData) => {
    const body: Limits = {};
    const bad: Record<string, string> = {};
    for (const kind of KINDS) {
      const limit = parseLimit(String(form.get(kind) ?? ""));
      if (limit === "wrong") bad[kind] = "A whole number, or nothing for the default.";
      else body[kind] = limit;
    }
    setWrong(bad);
    if (Object.keys(bad).length === 0) save.mutate(body);
  };
  const fields = Object.keys(wrong).length > 0 ? wrong : fieldErrors(save.error);
  return (
    <Form onSubmit={submit} error={save.error} fields={fields} shows={KINDS} action="Save" busy={save.isPending} onCancel={onDone}>
      {KINDS.map((kind) => {
        const { limit, is_default: isDefault, used } = quota[kind];
        const placeholder = isDefault ? `${integer(limit)}, the default` : "the default";
        return (
          <TextField key={kind} id={`quota-${kind}`} name={kind} label={WORDS[kind].label} inputMode="numeric" autoComplete="off"
            defaultValue={isDefault ? "" : String(limit)} placeholder={placeholder} error={fields[kind]}
            hint={used === null ? WORDS[kind].note : `${integer(used)} now. What is there stays, if the quota is lower.`} />
        );
      })}
    </Form>
  );
}
