import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { counted } from "../../lib/format";
import { live } from "../../lib/live-app";
import { useMayMake } from "../../lib/role";
import type { Imported } from "../../lib/types";
import { useSecretMutation } from "../../lib/use-secret-mutation";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { FieldFrame } from "../../ui/field";
import { fieldErrors } from "../../ui/form";
import { PageHead } from "../../ui/page-head";
import { Picker } from "../../ui/picker";
import { TenantField, useFirstTenant } from "../../ui/tenant-field";
import { useAgentsOf } from "../fleet/agents-of";
import { ColumnHelp } from "./column-help";
import { CsvField, rowsIn } from "./csv-field";
import { ImportOutcome } from "./import-outcome";

const NO_AGENT = "none";

/** Many devices from a table: looked at first, then added. The text lives in this page alone. */
export function ImportPage() {
  const mayMake = useMayMake("write");
  useTitle("Import devices");
  return (
    <>
      <PageHead title="Import devices">
        <Link to="/fleet" className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:items-center">Back to the fleet</Link>
      </PageHead>
      {mayMake ? <Import /> : <Empty title="You may look, not change"><p>Ask an operator of your tenant to import the table.</p></Empty>}
    </>
  );
}

function Import() {
  const [tenant, setTenant] = useState(useFirstTenant("write"));
  const [agent, setAgent] = useState(NO_AGENT);
  const agents = useAgentsOf(tenant);
  const [csv, setCsv] = useState("");
  // What the answer was of: what is typed since is another table.
  const [told, setTold] = useState<{ imported: Imported; csv: string } | null>(null);
  const send = useSecretMutation({
    mutationFn: async ({ csv: sent, isDry }: { csv: string; isDry: boolean }) => {
      const body = { tenant, csv: sent, dry_run: isDry, ...(agent === NO_AGENT ? {} : { agent }) };
      return { imported: (await take(api.POST("/api/v1/devices/import", { body }))).data, csv: sent };
    },
    onSuccess: (answer) => {
      setTold(answer);
      if (!answer.imported.dry_run) live.refreshDevices();
    },
  });
  const fields = fieldErrors(send.error);
  const isAtField = Object.keys(fields).some((name) => ["csv", "tenant", "agent"].includes(name));
  const change = <T,>(set: (value: T) => void) => (value: T) => {
    setTold(null);
    send.reset();
    set(value);
  };
  const run = (isDry: boolean) => send.mutate({ csv, isDry });
  const agentName = agents.find(({ value }) => value === agent)?.label;
  const isMade = told !== null && !told.imported.dry_run;
  return (
    <div className="flex max-w-[900px] flex-col gap-4 px-4 pb-10 phone:px-3">
      {told && !isMade && (
        <p className="flex flex-wrap items-center gap-x-3 rounded-md border border-line bg-surface px-3 py-1" data-import-table>
          <span>{counted(rowsIn(told.csv), "row")}{agentName && `, default agent ${agentName}`}</span>
          <span className="flex-1" />
          {/* What was told is of this table: changed, it is another. */}
          <Button look="quiet" className="text-accent!" onClick={() => setTold(null)} data-import-change>Change the table</Button>
        </p>
      )}
      {told && !isMade && send.error && <ErrorNote error={send.error} />}
      {!told && (
        <>
          <div className="grid gap-4 desk:grid-cols-2 [&>*:only-child]:col-span-full">
            <TenantField id="import-tenant" need="write" value={tenant} error={fields["tenant"]} onChange={change((id: string) => {
              setTenant(id);
              setAgent(NO_AGENT);
            })} />
            <FieldFrame id="import-agent" label="Default agent" error={fields["agent"]}
              hint={tenant === "" ? "Choose the tenant first." : agents.length === 0 ? "There is no agent yet: set up the site first." : "For rows without a site or an agent. A tenant’s only agent need not be named."}>
              <Picker id="import-agent" label="Default agent" value={agent} onChange={change(setAgent)} invalid={!!fields["agent"]}
                choices={[{ value: NO_AGENT, label: "None: as the rows say" }, ...agents]} />
            </FieldFrame>
          </div>
          <CsvField value={csv} onChange={change(setCsv)} error={fields["csv"]} />
          <ColumnHelp />
          {send.error && !isAtField && <ErrorNote error={send.error} />}
          <div className="flex flex-wrap items-center gap-3">
            <Button look="solid" disabled={!tenant || !csv.trim() || send.isPending} onClick={() => run(true)} data-import-preview>
              {send.isPending ? "Looking…" : "Preview"}
            </Button>
            <span className="text-xs text-muted">A preview adds nothing: it says what an import would do.</span>
          </div>
        </>
      )}
      {told && <ImportOutcome imported={told.imported} csv={told.csv} isBusy={send.isPending} onImport={() => run(false)} onAnother={() => change(setCsv)("")} />}
    </div>
  );
}
