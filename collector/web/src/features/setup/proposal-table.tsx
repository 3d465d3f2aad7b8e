import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { counted, integer } from "../../lib/format";
import { live } from "../../lib/live-app";
import type { ScanDetail } from "../../lib/types";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { FilterBar } from "../../ui/filter-bar";
import { Segments } from "../../ui/segments";
import { BODY } from "../../ui/table-cell";
import { TableHead } from "../../ui/table-head";
import { ProposalRow } from "./proposal-row";
import { adoption, ADOPT_MAX, isPicked, isShown, matches, NOTHING_SAID, type Outcomes, outcomesOf, type Show, withName, withPick } from "./proposals";
import { scanKey } from "./queries";

/** So few are seen at a glance. */
const FEW = 10;
/** Rows on the page until somebody asks for more. */
const ROWS_FIRST = 100;

const COLUMNS = [
  { by: "pick", label: "Adopt" }, { by: "address", label: "Address" }, { by: "name", label: "Name" }, { by: "kind", label: "Kind" },
  { by: "echo", label: "Echo", figure: true, note: "Round trip of an echo request" }, { by: "snmp", label: "SNMP" },
] as const;

/** What is shown until somebody chooses: what there is of it. */
const FIRST: readonly Show[] = ["new", "watched"];
const unsorted = () => {};
const NO_OUTCOMES: Outcomes = new Map();

interface Props {
  scan: ScanDetail;
  /** All that answers SNMP is watched: what comes next is below. */
  isFolded: boolean;
  onUnfold: () => void;
}

/** What a scan has found, as devices that can be adopted. */
export function ProposalTable({ scan, isFolded, onUnfold }: Props) {
  const { hosts } = scan;
  const [said, setSaid] = useState(NOTHING_SAID);
  const [chosen, setChosen] = useState<Show | null>(null);
  const [query, setQuery] = useState("");
  const [rows, setRows] = useState(ROWS_FIRST);
  const [outcomes, setOutcomes] = useState(NO_OUTCOMES);
  const queries = useQueryClient();
  const adopt = useMutation({
    mutationFn: (picked: ReturnType<typeof adoption>) =>
      take(api.POST("/api/v1/scans/{id}/adopt", { params: { path: { id: scan.id } }, body: { hosts: picked } })),
    onSuccess: async ({ data }) => {
      setOutcomes(outcomesOf(outcomes, data));
      if (data.outcomes.some(({ device }) => device === null)) onUnfold();
      setChosen(null);
      live.refreshDevices();
      await queries.invalidateQueries({ queryKey: scanKey(scan.id) });
    },
  });
  const counts = useMemo(() => {
    const of = (one: Show) => integer(hosts.filter((host) => isShown(host, one)).length);
    return [
      { value: "new" as const, label: "New", count: of("new") }, { value: "silent" as const, label: "No SNMP", count: of("silent") },
      { value: "watched" as const, label: "Watched", count: of("watched") }, { value: "all" as const, label: "All", count: of("all") },
    ];
  }, [hosts]);
  const show = chosen ?? FIRST.find((one) => hosts.some((host) => isShown(host, one))) ?? "all";
  const word = query.trim();
  const inShow = hosts.filter((host) => isShown(host, show));
  const shown = word ? inShow.filter((host) => matches(host, word)) : inShow;
  const picked = adoption(hosts, said);
  const free = shown.filter(({ device }) => device === null);
  const areAll = free.length > 0 && free.every((host) => isPicked(host, said));
  const refused = [...outcomes.values()].filter(({ device }) => device === null).length;
  const told = (
    <span role="status" className="text-muted empty:hidden" data-adopted={adopt.data?.data.devices}>
      {adopt.data && `${counted(adopt.data.data.devices, "device")} added.`}{refused > 0 && ` ${integer(refused)} could not be: see the rows.`}
    </span>
  );
  if (isFolded) {
    return (
      <p className="flex flex-wrap items-center gap-x-3">
        {told} <Button look="quiet" className="h-7 phone:-ml-3" onClick={onUnfold} data-unfold>Show {counted(hosts.length, "host")}</Button>
      </p>
    );
  }
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Segments label="Which hosts" segments={counts} value={show} onChange={setChosen} />
        {(inShow.length > FEW || word) && (
          <FilterBar label="Filter hosts" query={query} onQuery={setQuery} shown={shown.length} total={hosts.length}
            count={(all) => counted(all, "host")} />
        )}
        {free.length > 1 && (
          <Button look="quiet" className={free.length > FEW ? "" : "phone:hidden"} onClick={() => setSaid(withPick(said, free.map(({ address }) => address), !areAll))}>
            {areAll ? "Pick none of these" : `Pick these ${integer(free.length)}`}
          </Button>
        )}
      </div>
      {shown.length === 0 ? (
        <p className="text-muted">{hosts.length === 0 ? "Nothing was found so far." : "None of the hosts is so."}</p>
      ) : (
        <table className="w-full border-collapse phone:block" aria-label="Hosts that were found">
          <TableHead columns={COLUMNS} sorting={null} onSort={unsorted} hasActions={false} />
          <tbody className={`${BODY} phone:px-0!`}>
            {shown.slice(0, rows).map((host) => (
              <ProposalRow key={host.address} host={host} isPicked={isPicked(host, said)} name={said.names.get(host.address)}
                outcome={outcomes.get(host.address)}
                onPick={(on) => setSaid(withPick(said, [host.address], on))} onName={(name) => setSaid(withName(said, host.address, name))} />
            ))}
          </tbody>
        </table>
      )}
      {shown.length > rows && <Button className="self-start" onClick={() => setRows(rows * 4)}>Show more ({integer(shown.length - rows)})</Button>}
      {adopt.error && <ErrorNote error={adopt.error} />}
      <div className={picked.length > 0 ? "sticky bottom-0 z-2 -mx-1 flex flex-wrap items-center gap-3 border-t border-line bg-bg px-1 py-3" : "empty:hidden"}>
        {picked.length > 0 && (
          <Button look="solid" className="phone:flex-1" disabled={picked.length > ADOPT_MAX || adopt.isPending} data-adopt
            onClick={() => adopt.mutate(picked)}>
            {adopt.isPending ? "Adopting…" : `Adopt selected (${integer(picked.length)})`}
          </Button>
        )}
        {picked.length > ADOPT_MAX && <span className="text-degraded">{integer(ADOPT_MAX)} at once: pick fewer, then the rest.</span>}
        {told}
      </div>
    </>
  );
}
