import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import { dateTime, integer } from "../../lib/format";
import type { Scan } from "../../lib/types";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { isOver, scanKey } from "./queries";
import { scanWord } from "./scan-words";

interface Props {
  scan: Scan;
  onAgain?: (() => void) | undefined;
}

/** How far a scan is, and what it has found. */
export function ScanProgress({ scan, onAgain }: Props) {
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => take(api.POST("/api/v1/scans/{id}/cancel", { params: { path: { id: scan.id } }, body: {} })),
    onSettled: () => queries.invalidateQueries({ queryKey: scanKey(scan.id) }),
  });
  const over = isOver(scan);
  if (scan.state === "done" && scan.found > 0) return <Found scan={scan} onAgain={onAgain} />;
  const share = scan.total === 0 ? 100 : Math.floor((100 * scan.asked) / scan.total);
  return (
    <div className="flex max-w-[620px] flex-col gap-2" data-scan={scan.state}>
      <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1">
        <span className="font-medium">{scanWord(scan.state)}</span>
        <span><span className="num">{integer(scan.asked)}</span> of {integer(scan.total)} asked</span>
        <span data-found={scan.found}><span className="num font-medium">{integer(scan.found)}</span> found</span>
        <span className="text-muted" title={dateTime(scan.started_at)}>began <Age at={scan.started_at} long /></span>
      </div>
      <div role="progressbar" aria-label="Addresses asked" aria-valuenow={share} aria-valuemin={0} aria-valuemax={100}
        className="h-1.5 overflow-hidden rounded-full bg-line">
        <div className="h-full rounded-full bg-accent" style={{ width: `${share}%` }} />
      </div>
      <p className="text-xs text-muted wrap-anywhere">
        <span className="font-mono">{scan.ranges.join(", ")}</span>{scan.port !== 161 && ` · port ${scan.port}`}
      </p>
      {scan.detail && <p role="status" className={scan.state === "failed" ? "text-down" : "text-muted"}>{scan.detail}</p>}
      {cancel.error && <ErrorNote error={cancel.error} />}
      <div className="flex gap-2">
        {!over && <Button disabled={cancel.isPending} onClick={() => cancel.mutate()} data-scan-cancel>Cancel the scan</Button>}
        {over && onAgain && <Button onClick={onAgain} data-scan-again>Scan other addresses</Button>}
      </div>
    </div>
  );
}

/** What came of one that is over, in a line. */
function Found({ scan, onAgain }: Props) {
  return (
    <p className="flex flex-wrap items-center gap-x-3 text-muted" data-scan="done" data-found={scan.found}>
      <span className="text-text">{scan.detail ?? `${integer(scan.found)} of ${integer(scan.total)} found.`}</span>
      <span className="font-mono text-xs wrap-anywhere">{scan.ranges.join(", ")}{scan.port !== 161 && ` port ${scan.port}`}</span>
      <span title={dateTime(scan.started_at)}><Age at={scan.started_at} long /></span>
      {onAgain && <Button look="quiet" className="h-7 phone:-ml-3" onClick={onAgain} data-scan-again>Scan other addresses</Button>}
    </p>
  );
}
