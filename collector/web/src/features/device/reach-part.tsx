import { Link } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import { isDim, type ShownCause } from "../../lib/state";
import type { Device, DeviceDetail } from "../../lib/types";
import { Age } from "../../ui/age";
import { DeviceState, OffBadge } from "../../ui/state-badge";
import { useShown } from "../fleet/fleet-row";
import type { ChartSpec } from "../charts/chart-data";
import { ChartTile } from "../charts/chart-tile";
import { ECHO_CHARTS, SNMP_CHARTS } from "../charts/specs";
import { useCharts } from "../charts/use-charts";
import { type Asked, echoOf, snmpOf } from "./asked";
import { credentialWords } from "./edit-changes";
import { TILE_POINTS } from "./health-tiles";
import { reachLatest } from "./latest";

interface Props {
  device: Device;
  detail: DeviceDetail;
  onEdit: () => void;
}

/** How the device answers, by each way of asking: the facts behind its state, kept apart. */
export function ReachPart({ device, detail, onEdit }: Props) {
  const [, cause] = useShown(device);
  const { snmp } = detail;
  const may = useMayIn()(device.tenant.id).write;
  // Rendered anew only when what is said turns.
  const echo = useAsked((now) => echoOf(device, detail.ping, cause, now));
  const told = useAsked((now) => snmpOf(device, snmp, cause, now));
  const by = device.agent.name;
  return (
    <section aria-label="How it answers" className="grid grid-cols-2 gap-3 phone:grid-cols-1">
      <AskedCard name="Echo" asked={echo} device={device} charts={ECHO_CHARTS} source={`from ${by}`}>
        {echo.isOff && may && <>{" "}<button type="button" className={link} onClick={onEdit}>Edit device</button></>}
      </AskedCard>
      <AskedCard name="SNMP" asked={told} device={device} charts={SNMP_CHARTS} source={`SNMP ${snmp.version}, ${credentialWords(snmp)}`}>
        {told.cause === "no_credential" && <GiveCredential may={may} onEdit={onEdit} />}
        {told.cause === "credential_damaged" && <GiveAnew may={may} profile={snmp.profile} onEdit={onEdit} />}
      </AskedCard>
    </section>
  );
}

/** As a string while the second hand moves, so that nothing is rendered in vain. */
function useAsked(read: (nowMs: number) => Asked): Asked {
  return JSON.parse(useEachSecond(() => JSON.stringify(read(serverNow())))) as Asked;
}

function AskedCard({ name, asked, device, charts, source, children }: {
  name: string; asked: Asked; device: Device; charts: readonly ChartSpec[]; source: string; children?: ReactNode;
}) {
  const { state, cause, isOff, figures, at, hint } = asked;
  const dim = useEachSecond(() => isDim(at, device.interval_s, serverNow()));
  const latest = useMemo(() => reachLatest(device), [device]);
  const { drawn, gapS, isLate } = useCharts({ device, object: "", charts, latest, points: TILE_POINTS });
  return (
    <div className="min-w-0 rounded-lg border border-line bg-surface px-3 py-2" data-asked={name.toLowerCase()} data-asked-state={isOff ? "off" : state}>
      <div className="flex min-h-6 items-center gap-3">
        <h2 className="font-semibold">{name}</h2>
        <span className="clip min-w-0 flex-1 phone:whitespace-normal!">{isOff ? <OffBadge /> : <DeviceState state={state} cause={cause} />}</span>
        <span className="shrink-0 text-xs text-muted">{at && <Age at={at} long />}</span>
      </div>
      {!isOff && (
        <div className="flex min-h-7 flex-wrap items-baseline gap-x-3">
          <span data-figures className={`inline-flex min-h-6 flex-wrap items-baseline gap-x-3 ${dim ? "stale" : ""}`}>
            {figures.map(([value, of], i) => (
              <span key={of} className="whitespace-nowrap">
                <span className={i === 0 ? "text-lg font-semibold" : "font-medium"}>{value}</span>{" "}
                <span className="text-xs text-muted">{of}</span>
              </span>
            ))}
          </span>
          <span className="clip ml-auto text-xs text-muted phone:ml-0 phone:basis-full phone:whitespace-normal! phone:wrap-anywhere" title={source}>{source}</span>
        </div>
      )}
      {hint && <p className="mt-0.5 text-muted" data-hint={cause as ShownCause}>{hint}{children}</p>}
      {!isOff && (
        <div className="mt-1 grid grid-cols-[repeat(auto-fit,minmax(150px,1fr))] gap-x-3">
          {drawn?.map(({ spec, data }) => <ChartTile key={spec.id} spec={spec} data={data} gapS={gapS} isLate={isLate} />)}
        </div>
      )}
    </div>
  );
}

const link = "text-accent underline underline-offset-4 phone:inline-flex phone:min-h-11 phone:items-center";

/** One that cannot be read is typed again where it is kept: with the device, or with the profile. */
function GiveAnew({ may, profile, onEdit }: { may: boolean; profile: DeviceDetail["snmp"]["profile"]; onEdit: () => void }) {
  if (!may) return " An operator of your tenant can give it anew.";
  if (!profile) return <>{" "}<button type="button" className={link} onClick={onEdit}>Give the device its credential anew</button>.</>;
  return <>{" "}<Link to="/settings/credentials" className={link}>Give the profile «{profile.name}» its credential anew</Link>.</>;
}

/** A credential that is missing can be given from here. */
function GiveCredential({ may, onEdit }: { may: boolean; onEdit: () => void }) {
  if (!may) return " An operator of your tenant can give it one.";
  return (
    <>
      {" "}<button type="button" className={link} onClick={onEdit}>Give it a credential</button>, or make a{" "}
      <Link to="/settings/credentials" className={link}>credential profile</Link> that fits.
    </>
  );
}
