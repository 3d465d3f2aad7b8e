import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Fragment } from "react";
import { api, take } from "../../lib/api";
import { counted } from "../../lib/format";
import type { Tenant } from "../../lib/scope";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { CHANNELS, ROUTES, useSiteName } from "./queries";
import { isNobodyTold, placeWords, SEVERITIES, SEVERITY_WORD, toldOf } from "./route-words";
import type { Channel, Route, Severity } from "./types";

interface Props {
  channels: readonly Channel[];
  routes: readonly Route[];
}

/** What somebody has to go and mend; of information it is usual that nobody is told. */
const CALLS: ReadonlySet<Severity> = new Set(["critical", "warning"]);

/** Who is told, severity by severity: for one tenant. */
export function Coverage({ channels, routes, may, onRoute }: Props & { may: boolean; onRoute: () => void }) {
  const siteName = useSiteName();
  if (isNobodyTold(channels, routes)) return null;
  return (
    <dl aria-label="Who is told" className="mx-4 mb-3 grid grid-cols-[168px_1fr] phone:grid-cols-[116px_1fr] rounded-md border border-line bg-surface phone:mx-3" data-coverage>
      {SEVERITIES.map((severity, index) => {
        const told = toldOf(severity, channels, routes);
        const line = index > 0 ? "border-t border-line" : "";
        return (
          <Fragment key={severity}>
            <dt className={`flex items-center px-3 py-1.5 text-muted ${line}`}>{SEVERITY_WORD[severity]} alerts go to</dt>
            <dd className={`py-1.5 pr-3 wrap-anywhere ${line}`} data-told={severity}>
              {told.length === 0 && (CALLS.has(severity) ? <Hole severity={severity} may={may} onRoute={onRoute} /> : <span className="text-muted">nobody</span>)}
              {told.map(({ channel, parts }, at) => (
                <Fragment key={channel.id}>
                  {at > 0 && ", "}
                  <Link to="/settings/notifications/$id" params={{ id: channel.id }} className="text-accent underline">{channel.name}</Link>
                  {parts && <span className="text-muted"> only{parts.map((one) => placeWords(one, siteName)).join(" and")}</span>}
                </Fragment>
              ))}
            </dd>
          </Fragment>
        );
      })}
    </dl>
  );
}

function Hole({ severity, may, onRoute }: { severity: Severity; may: boolean; onRoute: () => void }) {
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-degraded">
      <span className="inline-flex items-center gap-1.5 font-medium"><Icon name="warn" size={14} /> nobody</span>
      {may && <Button className="h-7" aria-label={`Add a route for ${SEVERITY_WORD[severity].toLowerCase()} alerts`} onClick={onRoute}>Add a route</Button>}
    </span>
  );
}

/** Channels that are offered by a button of their own; of more one is chosen in the form. */
const OFFERED_MAX = 2;

/** No alert would reach anybody: says so, and leads out of it. */
export function NobodyTold({ channels, routes, may, onRoute }: Props & { may: boolean; onRoute: () => void }) {
  const queries = useQueryClient();
  const mend = useMutation({
    mutationFn: async (channel: Channel) => {
      if (channel.enabled) await take(api.POST("/api/v1/routes", { body: { channel: channel.id, severity: "warning" } }));
      else await take(api.PATCH("/api/v1/channels/{id}", { params: { path: { id: channel.id } }, body: { enabled: true } }));
    },
    onSuccess: () => Promise.all([CHANNELS, ROUTES].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  if (channels.length === 0 || !isNobodyTold(channels, routes)) return null;
  // Those that routes lead to and that are off would do at once.
  const isOff = channels.filter(({ id, enabled }) => !enabled && routes.some((route) => route.channel.id === id));
  const on = channels.filter(({ enabled }) => enabled);
  const offered = on.length > 0 ? on : isOff;
  return (
    <div className="mx-4 mb-3 flex flex-col gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2 phone:mx-3" data-nobody>
      <p className="flex gap-2">
        <span className="mt-px text-degraded"><Icon name="warn" /></span>
        <span>
          <span className="font-medium">Alerts would reach nobody. </span>
          {on.length > 0 ? "No route leads to a channel that is on." : "All channels are off."}
        </span>
      </p>
      {may && (
        <span className="flex flex-wrap gap-2 pl-6">
          {offered.length <= OFFERED_MAX && offered.map((channel) => (
            <Button key={channel.id} look="solid" disabled={mend.isPending} onClick={() => mend.mutate(channel)}>
              {channel.enabled ? `Tell ${channel.name} of warnings and worse` : `Switch ${channel.name} on`}
            </Button>
          ))}
          {on.length > 0 && <Button onClick={onRoute}>Choose which go where…</Button>}
        </span>
      )}
      {mend.error && <ErrorNote error={mend.error} />}
    </div>
  );
}

const NAMED_MAX = 5;

/** Of several tenants: those where nobody is told of anything, or of what is critical alone. */
export function UntoldTenants({ tenants, channels, routes }: Props & { tenants: readonly Tenant[] }) {
  // Who is told of warnings is told of what is critical, too: there is no other hole.
  const at = (severity: Severity) => tenants.filter(({ id }) => toldOf(severity, channels.filter(({ tenant }) => tenant.id === id), routes).length === 0);
  const untold = at("critical");
  const half = at("warning").filter((tenant) => !untold.includes(tenant));
  return (
    <>
      {untold.length > 0 && <UntoldAt words="Alerts would reach nobody" tenants={untold} />}
      {half.length > 0 && <UntoldAt words="Warning alerts would reach nobody" tenants={half} />}
    </>
  );
}

function UntoldAt({ words, tenants }: { words: string; tenants: readonly Tenant[] }) {
  const named = tenants.slice(0, NAMED_MAX);
  return (
    <p className="mx-4 mb-3 flex gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2 phone:mx-3" data-untold>
      <span className="mt-px text-degraded"><Icon name="warn" /></span>
      <span>
        <span className="font-medium">{words}</span> at{" "}
        {named.map(({ id, name }, at) => (
          <Fragment key={id}>
            {at > 0 && ", "}
            <Link to="/settings/notifications" search={{ tenant: id }} className="text-accent underline">{name}</Link>
          </Fragment>
        ))}
        {tenants.length > NAMED_MAX && ` and ${counted(tenants.length - NAMED_MAX, "other tenant")}`}.
      </span>
    </p>
  );
}
