import type { ReactNode } from "react";
import { dateTime, NONE } from "../../lib/format";
import type { AuditRow } from "../../lib/types";
import { Button } from "../../ui/button";
import { CopyLine } from "../../ui/copy-line";
import { changes, type FieldChange } from "./words";

/** What was and what is since, and how to find the rest of the same request. */
export function AuditDetail({ row, onRequest }: { row: AuditRow; onRequest: (id: string) => void }) {
  const { request_id: request, tenant, seq } = row;
  const fields = changes(row);
  return (
    <div className={fields.length > 0 ? "grid grid-cols-[minmax(0,2fr)_minmax(0,1fr)] gap-6 max-[1280px]:grid-cols-1 max-[1280px]:gap-4" : ""}>
      {fields.length > 0 && <Changes fields={fields} />}
      <dl className={fields.length > 0 ? "grid content-start gap-y-2" : "flex flex-wrap gap-x-10 gap-y-2"}>
        <Fact name="When">{dateTime(row.at)}</Fact>
        <Fact name="From">{row.address ?? "this machine"}</Fact>
        <Fact name="Action"><code className="font-mono text-xs">{row.action}</code></Fact>
        <Fact name="Row">{seq} {tenant ? `of ${tenant.name}` : "of the provider"}</Fact>
        {request && (
          <div className="phone:w-full">
            <dt className="text-xs text-muted">Request</dt>
            <dd className="flex flex-col items-start gap-1">
              <div className="w-60 phone:w-full"><CopyLine label="Copy the request id" text={request} /></div>
              <Button look="quiet" className="-ml-3" onClick={() => onRequest(request)}>Show all of this request</Button>
            </dd>
          </div>
        )}
      </dl>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="wrap-anywhere">{children}</dd>
    </div>
  );
}

function Changes({ fields }: { fields: readonly FieldChange[] }) {
  const one = "px-3 py-1 align-top wrap-anywhere first:pl-3";
  return (
    <table className="w-full table-fixed self-start rounded-md border border-line bg-surface text-left" aria-label="Changed fields">
      <thead className="text-xs text-muted">
        <tr className="border-b border-line">
          <th scope="col" className={`${one} w-1/4 font-normal`}>Field</th>
          <th scope="col" className={`${one} font-normal`}>Before</th>
          <th scope="col" className={`${one} font-normal`}>After</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ field, before, after }) => {
          const differs = before !== after;
          return (
            <tr key={field} className="border-b border-line last:border-b-0">
              <th scope="row" className={`${one} font-normal text-muted`}>{field}</th>
              <td className={`${one} ${before === null ? "text-faint" : differs ? "bg-down-soft" : ""}`}>{before ?? NONE}</td>
              <td className={`${one} ${after === null ? "text-faint" : differs ? "bg-accent-soft" : ""}`}>{after ?? NONE}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
