import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, PAGE, take } from "../../lib/api";
import { dateOnly, dateTime } from "../../lib/format";
import type { ApiKey } from "../../lib/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { NewKey } from "./new-key";

export const KEYS = ["api-keys"] as const;

export function KeysPage() {
  const [making, setMaking] = useState(false);
  const [removing, setRemoving] = useState<ApiKey | null>(null);
  const keys = useQuery({
    queryKey: KEYS,
    queryFn: async () =>
      (await take(api.GET("/api/v1/api-keys", { params: { query: { limit: PAGE } } }))).data,
  });
  useEffect(() => {
    document.title = "API keys · Farwatch";
  }, []);
  return (
    <>
      <PageHead title="API keys">
        <span className="flex-1" />
        <Button look="solid" onClick={() => setMaking(true)}>
          <Icon name="plus" size={14} /> New key
        </Button>
      </PageHead>
      {keys.error && <ErrorNote error={keys.error} className="mx-4" />}
      {keys.data?.length === 0 && (
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
              <th scope="col" className="px-2 pl-4 font-normal phone:pl-3">Name</th>
              <th scope="col" className="px-2 font-normal phone:hidden">Tenant</th>
              <th scope="col" className="px-2 font-normal">Scopes</th>
              <th scope="col" className="px-2 font-normal phone:hidden">Made</th>
              <th scope="col" className="px-2 font-normal phone:hidden">Last used</th>
              <th scope="col" className="px-2 font-normal">Expires</th>
              <th scope="col" className="px-2 pr-4"><span className="sr-only">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            {keys.data.map((key) => (
              <tr key={key.id} className="h-9 border-b border-line hover:bg-hover">
                <td className="px-2 pl-4 font-medium phone:pl-3">{key.name}</td>
                <td className="px-2 text-muted phone:hidden">{key.tenant?.name ?? ""}</td>
                <td className="px-2">{key.scopes.join(", ")}</td>
                <td className="px-2 text-muted phone:hidden">{dateOnly(key.created_at)}</td>
                <td className="px-2 text-muted phone:hidden">{dateTime(key.last_used_at)}</td>
                <td className="px-2">{key.expires_at ? dateOnly(key.expires_at) : "never"}</td>
                <td className="px-2 pr-4 text-right phone:pr-3">
                  <Button look="quiet" className="h-7" aria-label={`Delete ${key.name}`} onClick={() => setRemoving(key)}>
                    Delete
                  </Button>
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
