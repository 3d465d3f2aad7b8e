import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { dateTime, duration } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { narrowed, useScope } from "../../lib/scope";
import type { TokenInfo } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useTitle } from "../../lib/use-title";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { NewAgent } from "../agents/new-agent";

const TOKENS = ["tokens"] as const;

function Left({ at }: { at: string }) {
  const text = useEachSecond(() => {
    const seconds = Math.floor((Date.parse(at) - serverNow()) / 1000);
    return seconds <= 0 ? "ran out" : `${duration(seconds < 120 ? seconds : seconds - (seconds % 60))} left`;
  });
  return <span title={dateTime(at)}>{text}</span>;
}

function columnsOf(isMixed: boolean): readonly Column<TokenInfo>[] {
  const tenant: Column<TokenInfo> = {
    by: "tenant", label: "Tenant", className: "text-muted", read: (row) => row.tenant.name, cell: (row) => row.tenant.name,
  };
  return [
    { by: "site", label: "For the site", title: true, read: (row) => row.site.name, cell: (row) => row.site.name },
    ...(isMixed ? [tenant] : []),
    { by: "made", label: "Created", className: "text-muted phone:col-span-2", read: (row) => Date.parse(row.created_at), cell: (row) => <Age at={row.created_at} long /> },
    { by: "expires", label: "Can be used", read: (row) => Date.parse(row.expires_at), cell: (row) => <Left at={row.expires_at} /> },
  ];
}

/** Enrolment tokens that nobody has used yet. The token itself is shown once, when it is made. */
export function TokensPage() {
  const scope = useScope();
  const queries = useQueryClient();
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<TokenInfo | null>(null);
  const list = usePages([...TOKENS, scope.tenant?.id ?? ""], (cursor) =>
    take(api.GET("/api/v1/tokens", { params: { query: { ...narrowed(scope), ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf(scope.isMixed), [scope.isMixed]);
  useTitle("Enrolment tokens");
  const change = (open: boolean) => {
    setMaking(open);
    if (!open) void queries.invalidateQueries({ queryKey: TOKENS });
  };
  return (
    <>
      <PageHead title="Enrolment tokens">
        <span className="flex-1" />
        {!list.isEmpty && <Button look="solid" onClick={() => setMaking(true)}><Icon name="plus" size={14} /> New token</Button>}
      </PageHead>
      <DataTable label="Enrolment tokens" list={list} columns={columns} keyOf={(row) => row.id}
        first={{ by: "made", desc: true }}
        renderActions={(token) => (
          <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Revoke the token for ${token.site.name}`}
            onClick={() => setEnding(token)}>
            Revoke
          </Button>
        )}
        empty={
          <Empty title="No open token">
            <p>
              A token lets one agent enrol for one site, once. Those that wait for their agent stand here; revoke one
              that was sent to the wrong place.
            </p>
            <Button look="solid" className="self-start" onClick={() => setMaking(true)}>New token</Button>
          </Empty>
        } />
      <NewAgent open={making} onOpenChange={change} />
      <EndToken token={ending} onClose={() => setEnding(null)} />
    </>
  );
}

function EndToken({ token, onClose }: { token: TokenInfo | null; onClose: () => void }) {
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      onClose();
      await queries.invalidateQueries({ queryKey: TOKENS });
    },
  });
  return (
    <Confirm open={token !== null} title={`Revoke the token for ${token?.site.name ?? ""}?`} action="Revoke token"
      busy={end.isPending} error={end.error}
      onOpenChange={(open) => {
        if (open) return;
        end.reset();
        onClose();
      }}
      onConfirm={() => token && end.mutate(token.id)}>
      No agent can enrol with it any more. Agents that have enrolled go on.
    </Confirm>
  );
}
