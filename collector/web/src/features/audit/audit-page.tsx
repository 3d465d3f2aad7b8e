import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { useScope } from "../../lib/scope";
import type { AuditRow } from "../../lib/types";
import { usePages } from "../../lib/use-pages";
import { useSettled } from "../../lib/use-settled";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { PageHead } from "../../ui/page-head";
import { columnsOf, dayOfRow } from "./audit-columns";
import { AuditDetail } from "./audit-detail";
import { AuditChips, AuditFilters } from "./audit-filters";
import { exportUrl, queryOf } from "./query";
import type { AuditSearch } from "./search";

const route = getRouteApi("/_app/settings/audit");
const ROWS = 100;

export function AuditPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const scope = useScope();
  const settled = useSettled(search);
  const tenant = scope.tenant?.id;
  const list = usePages(["audit", tenant ?? "", settled], (cursor) =>
    take(api.GET("/api/v1/audit", {
      params: { query: { ...queryOf(settled, tenant, serverNow()), ...cursor, limit: ROWS } },
    })));
  const change = useCallback((patch: AuditSearch) => {
    void navigate({ search: (old) => ({ ...old, ...patch }), replace: true });
  }, [navigate]);
  const columns = useMemo(
    () => columnsOf(scope.isMixed && !search.of, (q) => change({ q })),
    [scope.isMixed, search.of, change],
  );
  useTitle("Audit");
  return (
    <>
      <PageHead title="Audit">
        <AuditFilters search={search} onChange={change}><Export search={search} tenant={tenant} /></AuditFilters>
      </PageHead>
      <AuditChips search={search} onChange={change} />
      <DataTable<AuditRow> label="Audit" list={list} columns={columns} keyOf={(row) => `${row.tenant?.id ?? ""} ${row.seq}`}
        first={{ by: "at", desc: true }} groupOf={dayOfRow} empty={<NoRows search={settled} onChange={change} />}
        renderDetail={(row) => <AuditDetail row={row} onRequest={(q) => change({ q, last: "all", kind: undefined })} />} />
    </>
  );
}

/** Files of all that the filters leave, not of the page alone. */
function Export({ search, tenant }: { search: AuditSearch; tenant: string | undefined }) {
  const link = "inline-flex h-8 items-center justify-center rounded-md border border-edge bg-surface px-3 hover:bg-hover phone:h-11";
  const query = queryOf(search, tenant, serverNow());
  return (
    <span className="flex gap-2 desk:ml-auto phone:order-2 phone:w-full phone:*:flex-1" role="group" aria-label="Export what is filtered">
      <a className={link} href={exportUrl(query, "csv")} download="audit.csv" title="All that the filters leave, for a spreadsheet">
        Export CSV
      </a>
      <a className={link} href={exportUrl(query, "jsonl")} download="audit.jsonl" title="All that the filters leave, one JSON object on each line">
        Export JSONL
      </a>
    </span>
  );
}

function NoRows({ search, onChange }: { search: AuditSearch; onChange: (patch: AuditSearch) => void }) {
  const isNarrow = !!(search.q || search.kind || search.of);
  return (
    <Empty title={isNarrow ? "Nothing that fits" : "Nothing happened in this time"}>
      <p>
        The audit holds every change and every sign-in: who, from where, what was before and what is since. Rows
        are never changed or removed; <code className="font-mono text-xs">farwatch-collector audit verify</code> proves it.
      </p>
      <span className="flex flex-wrap gap-2">
        {isNarrow && (
          <Button onClick={() => onChange({ q: undefined, kind: undefined, of: undefined })}>Clear the filters</Button>
        )}
        {search.last !== "all" && (
          <Button onClick={() => onChange({ last: "all", from: undefined, to: undefined })}>Look at all there is</Button>
        )}
      </span>
    </Empty>
  );
}
