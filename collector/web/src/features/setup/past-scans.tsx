import { Link } from "@tanstack/react-router";
import { integer } from "../../lib/format";
import { Age } from "../../ui/age";
import { ErrorNote } from "../../ui/error-note";
import { Part } from "../../ui/part";
import { useScans } from "./queries";
import { scanWord } from "./scan-words";
import { SetupLink } from "./setup-link";

/** What an agent has looked for, and the way to look again. */
export function PastScans({ agent, mayScan }: { agent: string; mayScan: boolean }) {
  const { data, error, refetch } = useScans(agent);
  return (
    <Part title="Scans of its network">
      {error && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {data?.length === 0 && <p className="text-muted">None yet. A scan looks for what answers at the site, and proposes devices of it.</p>}
      {data && data.length > 0 && (
        <ul className="m-0 list-none p-0" aria-label="Scans">
          {data.map((scan) => (
            <li key={scan.id} className="border-b border-line last:border-b-0">
              <Link to="/setup" search={{ agent, scan: scan.id }} data-past-scan={scan.id}
                className="flex min-h-8 flex-wrap items-baseline gap-x-3 py-1.5 hover:bg-hover phone:min-h-11">
                <span className="min-w-0 flex-1 truncate font-mono text-xs">{scan.ranges.join(", ")}</span>
                <span>{scan.state === "done" ? `${integer(scan.found)} found` : scanWord(scan.state)}</span>
                <span className="text-xs text-muted"><Age at={scan.started_at} long /></span>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {mayScan && <span className="mt-1"><SetupLink quiet agent={agent}>Scan a network</SetupLink></span>}
    </Part>
  );
}
