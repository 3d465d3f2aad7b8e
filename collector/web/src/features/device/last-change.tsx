import { Link } from "@tanstack/react-router";
import { dateTime, integer } from "../../lib/format";
import type { Device } from "../../lib/types";
import { Age } from "../../ui/age";
import { StateShape } from "../../ui/state-badge";
import { toldOf } from "../config/backup-state";
import { useBackup, useVersions } from "../config/queries";

/** When its configuration was changed last, and whether it is looked after. */
export function LastChange({ device: { id } }: { device: Pick<Device, "id"> }) {
  const { data: backup } = useBackup(id);
  const { rows: [version, before], phase } = useVersions(id);
  if (!backup || phase === "loading") return null;
  const { state, word } = toldOf(backup);
  return (
    <section aria-labelledby="last-change" className="rounded-lg border border-line bg-surface px-3 py-2" data-last-change={version?.id ?? ""}>
      <div className="flex flex-wrap items-baseline gap-x-3">
        <h2 id="last-change" className="font-semibold">Config</h2>
        <span className="inline-flex items-center gap-1.5 text-xs text-muted"><StateShape state={state} size={10} />{word}</span>
        <span className="flex-1" />
        {version ? (
          <Link to="/config/$id" params={{ id: version.id }} title={dateTime(version.first_at)} className="touch text-accent hover:underline">
            {before ? "changed" : "first kept"} <Age at={version.first_at} long />
          </Link>
        ) : (
          <Link to="/devices/$id" params={{ id }} search={(old) => ({ ...old, tab: "config" })} className="touch text-accent hover:underline">No version yet</Link>
        )}
        {version && before && <span className="num text-xs"><span className="text-up">+{integer(version.added)}</span> <span className="text-down">−{integer(version.removed)}</span></span>}
      </div>
    </section>
  );
}
