import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { dateTime } from "../../lib/format";
import { isInScope, useScope } from "../../lib/scope";
import type { ApiKey } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useTitle } from "../../lib/use-title";
import { Age, Ends } from "../../ui/age";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { NewKey } from "./new-key";

const KEYS = ["api-keys"] as const;

function moment(at: string | null | undefined): number | null {
  return at ? Date.parse(at) : null;
}

const COLUMNS: readonly Column<ApiKey>[] = [
  { by: "name", label: "Name", title: true, read: (key) => key.name, cell: (key) => key.name },
  { by: "tenant", label: "Tenant", className: "text-muted", read: (key) => key.tenant.name,
    cell: (key) => key.tenant.name },
  { by: "scopes", label: "May", read: (key) => key.scopes.join(), cell: (key) => key.scopes.join(", ") },
  { by: "made", label: "Created", className: "text-muted", read: (key) => moment(key.created_at),
    cell: (key) => <Age at={key.created_at} long /> },
  { by: "used", label: "Last used", className: "text-muted", read: (key) => moment(key.last_used_at),
    cell: (key) => (key.last_used_at ? <Age at={key.last_used_at} long /> : "never") },
  { by: "expires", label: "Expires", read: (key) => moment(key.expires_at),
    cell: (key) => <Ends at={key.expires_at} /> },
];
const OF_ONE_TENANT = COLUMNS.filter(({ by }) => by !== "tenant");

export function KeysPage() {
  const scope = useScope();
  const [making, setMaking] = useState(false);
  const [removing, setRemoving] = useState<ApiKey | null>(null);
  const list = usePages(KEYS, (cursor) =>
    take(api.GET("/api/v1/api-keys", { params: { query: { ...cursor, limit: ROWS } } })));
  // This operation knows no `?tenant=`.
  const own = useMemo(() => list.rows.filter((key) => isInScope(scope, key)), [list.rows, scope]);
  useTitle("API keys");
  return (
    <>
      <PageHead title="API keys">
        <span className="flex-1" />
        {own.length > 0 && <Button look="solid" onClick={() => setMaking(true)}><Icon name="plus" size={14} /> New key</Button>}
      </PageHead>
      <DataTable label="API keys" list={{ ...list, rows: own }} columns={scope.isMixed ? COLUMNS : OF_ONE_TENANT}
        keyOf={(key) => key.id} first={{ by: "name", desc: false }}
        renderActions={(key) => (
          <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Remove ${key.name}`}
            onClick={() => setRemoving(key)}>
            Remove
          </Button>
        )}
        empty={
          <Empty title={scope.tenant ? `No API keys of ${scope.tenant.name}` : "No API keys"}>
            <p>
              A key lets a script use this API as
              <code className="ml-1 font-mono text-xs">Authorization: Bearer fwk_…</code>. It belongs
              to one tenant and can do no more than was chosen for it.
            </p>
            <Button look="solid" className="self-start" onClick={() => setMaking(true)}>Make a key</Button>
          </Empty>
        } />
      <NewKey open={making} onOpenChange={setMaking} />
      <RemoveKey target={removing} onClose={() => setRemoving(null)} />
    </>
  );
}

function RemoveKey({ target, onClose }: { target: ApiKey | null; onClose: () => void }) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/api-keys/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      onClose();
      await queries.invalidateQueries({ queryKey: KEYS });
    },
  });
  return (
    <Confirm open={target !== null} onOpenChange={(open) => {
      if (open) return;
      remove.reset();
      onClose();
    }}
      title={`Remove ${target?.name ?? ""}?`} action="Remove key" busy={remove.isPending}
      loses={target ? lost(target) : []}
      error={remove.error} onConfirm={() => target && remove.mutate(target.id)}>
      Whatever uses this key is refused from the next request on. It cannot be brought back.
    </Confirm>
  );
}

function lost({ tenant, scopes, last_used_at }: ApiKey): string[] {
  const use = last_used_at ? `used last on ${dateTime(last_used_at)}` : "never used so far";
  return [`The right to ${scopes.join(" and ")} for ${tenant.name}, ${use}`];
}
