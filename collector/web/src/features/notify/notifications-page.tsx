import { useState } from "react";
import { useMayIn, useMayMake } from "../../lib/role";
import { useScope } from "../../lib/scope";
import { ROWS } from "../../lib/use-pages";
import { useRefresh } from "../../lib/use-refresh";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { Skeleton } from "../../ui/skeleton";
import { ChannelPanel, type OpenedChannel } from "./channel-panel";
import { ChannelTable } from "./channel-table";
import { Coverage, NobodyTold, UntoldTenants } from "./coverage";
import { CHANNELS, ROUTES, useChannels, useRoutes } from "./queries";
import { type OpenedRoute, RoutePanel } from "./route-panel";
import { RouteTable } from "./route-table";

/** Who is told of alerts: channels, and the routes that lead to them. */
export function NotificationsPage() {
  const mayIn = useMayIn();
  const channels = useChannels();
  const routes = useRoutes();
  const [channel, setChannel] = useState<OpenedChannel>(null);
  const [route, setRoute] = useState<OpenedRoute>(null);
  // Who reads far down does not have all of it loaded anew each time.
  useRefresh([...(channels.rows.length <= ROWS ? [CHANNELS] : []), ...(routes.rows.length <= ROWS ? [ROUTES] : [])]);
  useTitle("Notifications");
  const mayAdd = useMayMake("admin");
  const own = channels.rows.filter((one) => mayIn(one.tenant.id).admin);
  const add = () => setChannel({ channel: null });
  const addRoute = (id: string | null) => setRoute({ route: null, channel: id });
  const isReady = channels.phase === "ready" && routes.phase === "ready";
  return (
    <>
      <PageHead title="Notifications">
        <span className="flex-1" />
        {mayAdd && !channels.isEmpty && <Button look="solid" onClick={add}><Icon name="plus" size={14} /> New channel</Button>}
      </PageHead>
      {(channels.phase === "loading" || routes.phase === "loading") && !channels.error && !routes.error && <Skeleton label="Loading the channels" />}
      {channels.phase === "failed" && channels.error && <ErrorNote error={channels.error} className="mx-4 my-2 phone:mx-3" onRetry={channels.retry} />}
      {routes.phase === "failed" && routes.error && <ErrorNote error={routes.error} className="mx-4 my-2 phone:mx-3" onRetry={routes.retry} />}
      {isReady && channels.rows.length === 0 && <NoChannel may={mayAdd} onAdd={add} />}
      {isReady && channels.rows.length > 0 && (
        <>
          <Told channels={channels.rows} routes={routes.rows} isWhole={!channels.more && !routes.more} may={own.length > 0} onRoute={() => addRoute(null)} />
          <ChannelTable list={channels} />
          <section aria-labelledby="routes">
            <div className="flex min-h-8 flex-wrap items-center gap-3 px-4 pt-5 pb-2 phone:px-3">
              <h2 id="routes" className="font-semibold">Routes</h2>
              {own.length > 0 && <Button onClick={() => addRoute(null)}><Icon name="plus" size={14} /> New route</Button>}
            </div>
            {routes.rows.length > 0
              ? <RouteTable list={routes} channels={channels.rows} onEdit={(one) => setRoute({ route: one, channel: null })} />
              : <p className="px-4 text-muted phone:px-3">None yet. A route says which alerts go to which channel.</p>}
          </section>
        </>
      )}
      <ChannelPanel opened={channel} onClose={() => setChannel(null)} onRoute={({ id }) => addRoute(id)} />
      <RoutePanel opened={route} channels={own} onClose={() => setRoute(null)} />
    </>
  );
}

interface ToldProps extends Pick<Parameters<typeof NobodyTold>[0], "channels" | "routes" | "may" | "onRoute"> {
  /** Of lists of which pages are missing nothing can be said. */
  isWhole: boolean;
}

function Told({ channels, routes, isWhole, may, onRoute }: ToldProps) {
  const { tenants, isMixed } = useScope();
  if (!isWhole) return null;
  if (isMixed) return <UntoldTenants tenants={tenants} channels={channels} routes={routes} />;
  return (
    <>
      <NobodyTold channels={channels} routes={routes} may={may} onRoute={onRoute} />
      <Coverage channels={channels} routes={routes} may={may} onRoute={onRoute} />
    </>
  );
}

function NoChannel({ may, onAdd }: { may: boolean; onAdd: () => void }) {
  const { tenant } = useScope();
  return (
    <Empty title={tenant ? `Nobody is told of alerts of ${tenant.name}` : "Nobody is told of alerts yet"}>
      <p>
        Alerts fire and stand on the page «Alerts», and that is all. A <strong className="font-medium text-text">channel</strong> is a way to tell people: e-mail,
        a webhook, Slack, or a topic of MQTT. A <strong className="font-medium text-text">route</strong> says which alerts go there: by how bad they are, by site, by tag.
      </p>
      <p>What cannot be delivered is tried again for a day, and every attempt stands in the log of the channel.</p>
      {may ? <Button look="solid" className="self-start" onClick={onAdd}>Make a channel</Button>
        : <p>An administrator of the tenant makes one.</p>}
    </Empty>
  );
}
