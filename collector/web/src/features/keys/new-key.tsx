import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { ApiError, api, take } from "../../lib/api";
import { meQuery } from "../../lib/session";
import type { CreatedApiKey, Scope } from "../../lib/types";
import { Button } from "../../ui/button";
import { CopyLine } from "../../ui/copy-line";
import { ErrorNote } from "../../ui/error-note";
import { FieldFrame, TextField } from "../../ui/field";
import { Modal } from "../../ui/modal";
import { Picker } from "../../ui/picker";

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
    <Modal open={open} onOpenChange={change} held={made !== null} title="New API key"
      description={made ? "Copy it now: it is not shown again." : "For scripts and other systems."}>
      {made ? (
        <div className="flex flex-col gap-4">
          <CopyLine label="Copy the key" text={made.key} />
          <Button look="solid" className="self-end" onClick={() => change(false)}>Done</Button>
        </div>
      ) : (
        <KeyForm onMade={setMade} />
      )}
    </Modal>
  );
}

function KeyForm({ onMade }: { onMade: (key: CreatedApiKey) => void }) {
  const queries = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const [chosen, setChosen] = useState("");
  const [scope, setScope] = useState("read");
  const [days, setDays] = useState("90");
  const tenant = chosen || (me?.tenants[0]?.id ?? "");
  const make = useMutation({
    mutationFn: (name: string) => {
      const scopes: Scope[] = scope === "write" ? ["read", "write"] : ["read"];
      const expiry = days === "never" ? {} : { expires_in_days: Number(days) };
      return take(api.POST("/api/v1/api-keys", { body: { tenant, name, scopes, ...expiry } }));
    },
    onSuccess: async ({ data }) => {
      onMade(data);
      await queries.invalidateQueries({ queryKey: ["api-keys"] });
    },
  });
  const fields = make.error instanceof ApiError ? make.error.fields : {};
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    make.mutate(String(new FormData(event.currentTarget).get("name") ?? "").trim());
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <TextField id="key-name" name="name" label="Name" autoComplete="off"
        placeholder="What uses it" error={fields["name"]} />
      <FieldFrame id="key-tenant" label="Tenant" error={fields["tenant"]}>
        <Picker id="key-tenant" label="Tenant" value={tenant} onChange={setChosen}
          choices={(me?.tenants ?? []).map((t) => ({ value: t.id, label: t.name }))} />
      </FieldFrame>
      <div className="grid grid-cols-2 gap-3">
        <FieldFrame id="key-scope" label="It may" error={fields["scopes"]}>
          <Picker id="key-scope" label="Scope" value={scope} onChange={setScope}
            choices={[{ value: "read", label: "Read" }, { value: "write", label: "Read and write" }]} />
        </FieldFrame>
        <FieldFrame id="key-days" label="Expires" error={fields["expires_in_days"]}>
          <Picker id="key-days" label="Expires" value={days} onChange={setDays}
            choices={["30", "90", "365"].map((d) => ({ value: d, label: `in ${d} days` })).concat({ value: "never", label: "never" })} />
        </FieldFrame>
      </div>
      {make.error && Object.keys(fields).length === 0 && <ErrorNote error={make.error} />}
      <Button type="submit" look="solid" className="self-end" disabled={make.isPending || !tenant}>
        Make the key
      </Button>
    </form>
  );
}
