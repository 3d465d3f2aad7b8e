import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, ApiError, take } from "../../lib/api";
import { integer } from "../../lib/format";
import type { AgentNetwork } from "../../lib/types";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { FieldFrame, INPUT, TextField } from "../../ui/field";
import { ADDRESSES_MAX, countRanges, splitRanges, toggleRange } from "./ranges";
import { isOver, scansKey, useNetworks, useScans } from "./queries";

interface Props {
  agent: string;
  isUp: boolean;
  /** How many credentials are tried. */
  profiles: number;
  onScan: (id: string) => void;
}

const USUAL_PORT = "161";
const USUAL_PACE = "100";

/** Which addresses are asked, and how gently. */
export function ScanForm({ agent, isUp, profiles, onScan }: Props) {
  const networks = useNetworks(agent, isUp);
  const running = useScans(agent).data?.find((scan) => !isOver(scan));
  const [typed, setTyped] = useState<string | null>(null);
  const [port, setPort] = useState(USUAL_PORT);
  const [pace, setPace] = useState(USUAL_PACE);
  const queries = useQueryClient();
  // The network of the agent is what most people mean; nothing is put over what is typed.
  const text = typed ?? usualOf(networks.data);
  const ranges = splitRanges(text);
  const { addresses, wrong } = countRanges(ranges);
  const start = useMutation({
    mutationFn: () => take(api.POST("/api/v1/agents/{id}/scans", {
      params: { path: { id: agent } }, body: { ranges, port: Number(port), packets_per_second: Number(pace) },
    })),
    onSuccess: async ({ data }) => {
      await queries.invalidateQueries({ queryKey: scansKey(agent) });
      onScan(data.id);
    },
  });
  const told = fieldsOf(start.error);
  const tooMany = addresses > ADDRESSES_MAX ? `${integer(addresses)} addresses: one scan takes ${integer(ADDRESSES_MAX)}. Take smaller ranges.` : undefined;
  const rangeError = told.ranges ?? (wrong !== null ? `«${wrong}» is no range of IPv4.` : tooMany);
  return (
    <form noValidate className="flex max-w-[620px] flex-col gap-4" onSubmit={(event) => {
      event.preventDefault();
      start.mutate();
    }}>
      {running && (
        <p className="flex flex-wrap items-center gap-3" data-under-way>
          A scan of this agent is under way. <Button className="h-7" onClick={() => onScan(running.id)}>Look at it</Button>
        </p>
      )}
      <Networks networks={networks.data} error={networks.error} isLoading={networks.isLoading} chosen={ranges}
        onToggle={(network) => setTyped(toggleRange(text, network))} />
      <FieldFrame id="scan-ranges" label="Addresses" error={rangeError}
        hint="One range a line: 192.168.88.0/24, 10.0.0.1-10.0.0.99, or a single address.">
        <textarea id="scan-ranges" rows={Math.min(6, Math.max(2, ranges.length + 1))} spellCheck={false} autoCapitalize="none" autoComplete="off"
          className={`${INPUT} h-auto! resize-y py-1.5 font-mono`} value={text} aria-invalid={rangeError ? true : undefined}
          aria-describedby="scan-ranges-note" onChange={(event) => setTyped(event.target.value)} />
      </FieldFrame>
      <details data-scan-options>
        <summary className="cursor-pointer text-muted hover:text-text phone:min-h-11 phone:py-3">Port and pace</summary>
        <div className="mt-2 grid max-w-[440px] grid-cols-2 gap-3">
          <TextField id="scan-port" label="SNMP port" inputMode="numeric" value={port} error={told.port} onChange={(event) => setPort(event.target.value)} />
          <TextField id="scan-pace" label="Packets per second" inputMode="numeric" value={pace} error={told.pace} hint="20 to 500"
            onChange={(event) => setPace(event.target.value)} />
        </div>
      </details>
      {addresses > 0 && !rangeError && <p className="text-muted" data-what-is-sent>{sentWords(addresses, profiles, pace)}</p>}
      {start.error && !told.isTold && <ErrorNote error={start.error} />}
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" look="solid" disabled={start.isPending || !isUp || addresses === 0 || !!tooMany} data-scan-start>
          {start.isPending ? "Starting…" : addresses > 0 ? `Scan ${integer(addresses)} ${addresses === 1 ? "address" : "addresses"}` : "Scan"}
        </Button>
        {!isUp && <span className="text-xs text-muted">The agent is not connected now: a scan needs it.</span>}
      </div>
    </form>
  );
}

/** The first network that one scan can take whole. */
function usualOf(networks: readonly AgentNetwork[] | undefined): string {
  return networks?.find(({ addresses }) => addresses <= ADDRESSES_MAX)?.network ?? "";
}

/** What goes out, in one sentence. */
function sentWords(addresses: number, profiles: number, pace: string): string {
  const tried = profiles === 0 ? "" : ` and a try of ${profiles === 1 ? "the one profile" : `up to ${integer(profiles)} profiles`}`;
  const who = addresses === 1 ? "The one address" : `Each of ${integer(addresses)} addresses`;
  return `${who} gets a few echo requests, a knock at its SNMP port${tried}, ${pace || USUAL_PACE} packets a second to all together. Devices that are watched already are left alone, and nothing is changed anywhere.`;
}

/** What the server says of a field; `ranges[2]` is of the ranges. */
function fieldsOf(error: Error | null) {
  const fields = error instanceof ApiError ? error.fields : {};
  const key = Object.keys(fields).find((name) => name.startsWith("ranges"));
  const ranges = key === undefined ? undefined : fields[key];
  const [port, pace] = [fields["port"], fields["packets_per_second"]];
  return { ranges, port, pace, isTold: !!(ranges ?? port ?? pace) };
}

function Networks({ networks, error, isLoading, chosen, onToggle }: {
  networks: readonly AgentNetwork[] | undefined; error: Error | null; isLoading: boolean; chosen: readonly string[]; onToggle: (network: string) => void;
}) {
  const id = useId();
  if (isLoading) return <p role="status" className="text-muted">Asking the agent which networks it is in…</p>;
  if (error) return <p className="text-muted">The agent did not tell which networks it is in: {error.message}</p>;
  if (!networks) return null;
  if (networks.length === 0) return <p className="text-muted">The agent’s system does not tell which networks it is in: type the addresses of the site.</p>;
  return (
    <div role="group" aria-labelledby={id} className="flex flex-wrap items-center gap-1.5" data-networks>
      <span id={id} className="mr-1 text-xs text-muted">The agent is in:</span>
      {networks.map(({ network, interface: name, addresses }) => {
        const isWide = addresses > ADDRESSES_MAX;
        return (
          <Button key={`${name} ${network}`} aria-pressed={chosen.includes(network)} disabled={isWide} className="h-7 aria-pressed:border-accent aria-pressed:bg-selected"
            title={isWide ? `${integer(addresses)} addresses are too many for one scan: type a part of it` : `${integer(addresses)} addresses`}
            onClick={() => onToggle(network)}>
            <span className="font-mono text-xs">{network}</span>{name && <span className="text-xs text-muted">{name}</span>}
          </Button>
        );
      })}
    </div>
  );
}
