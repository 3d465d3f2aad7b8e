import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { api, PAGE, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { dateOnly, dateTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { useMay } from "../../lib/role";
import { type Read, sorted, type Sorting } from "../../lib/sorting";
import type { ApiKey } from "../../lib/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { ariaSort, SortButton } from "../../ui/sort-button";
import { NewKey } from "./new-key";

export const KEYS = ["api-keys"] as const;

const COLUMNS: readonly { by: string; label: string; className?: string; read: Read<ApiKey> }[] = [
  { by: "name", label: "Name", read: (key) => key.name },
  { by: "tenant", label: "Tenant", className: "phone:hidden", read: (key) => key.tenant?.name ?? null },
  { by: "scopes", label: "Scopes", read: (key) => key.scopes.join() },
  { by: "made", label: "Made", className: "phone:hidden", read: (key) => Date.parse(key.created_at) },
  { by: "used", label: "Last used", className: "phone:hidden", read: (key) => moment(key.last_used_at) },
  { by: "expires", label: "Expires", read: (key) => moment(key.expires_at) },
];
const READS = Object.fromEntries(COLUMNS.map(({ by, read }) => [by, read]));

function moment(at: string | null | undefined): number | null {
  return at ? Date.parse(at) : null;
}

function Expiry({ at }: { at: string | null | undefined }) {
  const over = useEachSecond(() => !!at && Date.parse(at) <= serverNow());
  if (!at) return <>never</>;
  return over ? <span className="font-medium text-down">expired {dateOnly(at)}</span> : <>{dateOnly(at)}</>;
}

export function KeysPage() {
  const may = useMay();
  const [making, setMaking] = useState(false);
  const [removing, setRemoving] = useState<ApiKey | null>(null);
  const keys = useQuery({
    queryKey: KEYS,
    queryFn: async () =>
      (await take(api.GET("/api/v1/api-keys", { params: { query: { limit: PAGE } } }))).data,
  });
  const [sorting, setSorting] = useState<Sorting>({ by: "name", desc: false });
  const rows = useMemo(() => sorted(keys.data ?? [], READS, sorting), [keys.data, sorting]);
  useEffect(() => {
    document.title = "API keys · Farwatch";
  }, []);
  return (
    <>
      <PageHead title="API keys">
        <span className="flex-1" />
        {may.admin && (
          <Button look="solid" onClick={() => setMaking(true)}>
            <Icon name="plus" size={14} /> New key
          </Button>
        )}
      </PageHead>
      {keys.error && <ErrorNote error={keys.error} className="mx-4" />}
      {keys.isPending && <Skeleton label="Loading API keys" />}
      {keys.data?.length === 0 && !may.admin && (
        <Empty title="API keys are not yours to see">
          <p>An administrator of your tenant makes and deletes them. Ask one for a key.</p>
        </Empty>
      )}
      {keys.data?.length === 0 && may.admin && (
        <Empty title="No API keys">
          <p>
            A key lets a script use this API as
            <code className="ml-1 font-mono text-xs">Authorization: Bearer fwk_…</code>. It belongs
            to one tenant and can do no more than its scopes say.
          </p>
          <Button look="solid" className="self-start" onClick={() => setMaking(true)}>Make a key</Button>
        </Empty>
      )}
      {keys.data && keys.data.length > 0 && (
        <table className="w-full border-collapse" aria-label="API keys">
          <thead className="text-xs text-muted">
            <tr className="h-8 border-y border-line bg-surface text-left">
              {COLUMNS.map(({ by, label, className }) => (
                <th key={by} scope="col" aria-sort={ariaSort(by, sorting)}
                  className={`px-2 font-normal first:pl-4 phone:first:pl-3 ${className ?? ""}`}>
                  <SortButton by={by} label={label} sorting={sorting} onSort={setSorting} />
                </th>
              ))}
              <th scope="col" className="px-2 pr-4"><span className="sr-only">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            {rows.map((key) => (
              <tr key={key.id} className="h-9 border-b border-line hover:bg-hover">
                <td className="px-2 pl-4 font-medium phone:pl-3">{key.name}</td>
                <td className="px-2 text-muted phone:hidden">{key.tenant?.name ?? ""}</td>
                <td className="px-2">{key.scopes.join(", ")}</td>
                <td className="px-2 text-muted phone:hidden">{dateOnly(key.created_at)}</td>
                <td className="px-2 text-muted phone:hidden">{dateTime(key.last_used_at)}</td>
                <td className="px-2"><Expiry at={key.expires_at} /></td>
                <td className="px-2 pr-4 text-right phone:pr-3">
                  {may.admin && (
                    <Button look="quiet" className="h-7" aria-label={`Delete ${key.name}`} onClick={() => setRemoving(key)}>
                      Delete
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
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
    <Confirm open={target !== null} onOpenChange={(open) => open || onClose()}
      title={`Delete ${target?.name ?? ""}?`} action="Delete key" busy={remove.isPending}
      error={remove.error} onConfirm={() => target && remove.mutate(target.id)}>
      Whatever uses this key is refused from the next request on.
    </Confirm>
  );
}
