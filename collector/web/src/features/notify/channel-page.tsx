import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, isNotHere, take } from "../../lib/api";
import { dateOnly, dateTime, integer } from "../../lib/format";
import { useKeptError } from "../../lib/use-kept-error";
import { useMayIn } from "../../lib/role";
import { useScope } from "../../lib/scope";
import { useRefresh } from "../../lib/use-refresh";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { Fact, Facts } from "../../ui/facts";
import { Icon } from "../../ui/icon";
import { Skeleton } from "../../ui/skeleton";
import { ChannelPanel } from "./channel-panel";
import { ChannelState } from "./channel-table";
import { KIND_WORD, targetWords } from "./channel-words";
import { DeliveryLog } from "./delivery-log";
import { KeyPart } from "./key-part";
import { LastError } from "./last-error";
import { CHANNELS, ROUTES, useChannels, useRoutes } from "./queries";
import { RemoveChannel } from "./remove-channel";
import { type OpenedRoute, RoutePanel } from "./route-panel";
import { RouteTable } from "./route-table";
import { TestButton, TestResult, useTest } from "./test-channel";
import type { Channel } from "./types";

const route = getRouteApi("/_app/settings/notifications/$id");

/** One channel: how it is, what leads to it, and what it was told. */
export function ChannelPage() {
  const { id } = route.useParams();
  const { data: channel, error, refetch } = useQuery({
    queryKey: [...CHANNELS, "one", id],
    queryFn: async () => (await take(api.GET("/api/v1/channels/{id}", { params: { path: { id } } }))).data,
  });
  useRefresh([[...CHANNELS, "one", id], ROUTES]);
  useTitle(channel?.name ?? "Channel", true);
  const kept = useKeptError(error, channel !== undefined);
  const isGone = isNotHere(kept);
  return (
    <>
      <nav aria-label="Breadcrumb" className="px-4 pt-2 text-xs phone:px-3">
        <Link to="/settings/notifications" className="inline-flex items-center gap-1 text-muted hover:text-text phone:min-h-11">
          <Icon name="back" size={12} /> Notifications
        </Link>
      </nav>
      {channel ? <Body channel={channel} /> : isGone ? (
        <Empty title="No such channel"><p>It was removed, or it is another tenant&rsquo;s. The others are on the page «Notifications».</p></Empty>
      ) : kept ? <ErrorNote error={kept} className="mx-4 my-2 phone:mx-3" onRetry={() => void refetch()} /> : <Skeleton label="Loading the channel" />}
    </>
  );
}

function Body({ channel }: { channel: Channel }) {
  const navigate = route.useNavigate();
  const may = useMayIn()(channel.tenant.id).admin;
  const { tenants } = useScope();
  const test = useTest();
  const [editing, setEditing] = useState(false);
  const [removing, setRemoving] = useState(false);
  return (
    <>
      <header className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 pt-1 pb-3 phone:px-3">
        <h1 className="text-base font-semibold wrap-anywhere">{channel.name}</h1>
        <ChannelState channel={channel} />
        <span className="flex-1" />
        {may && (
          <span className="flex gap-2 phone:w-full phone:*:flex-1">
            <TestButton test={test} channel={channel} look="solid">Send a test</TestButton>
            <Button onClick={() => setEditing(true)}>Edit</Button>
            <Button onClick={() => setRemoving(true)}>Remove</Button>
          </span>
        )}
      </header>
      <TestResult test={test} className="mx-4 mb-3 phone:mx-3" />
      {!test.data && <LastError channel={channel} />}
      <div className="px-4 pb-4 phone:px-3">
        <Facts>
          <Fact name="Kind">{KIND_WORD[channel.kind]}</Fact>
          <Fact name="Target">{channel.kind === "email" ? channel.to.join(", ") : targetWords(channel)}</Fact>
          {channel.mqtt && <Fact name="Broker">{channel.mqtt.tls ? "by TLS" : "without TLS"}{channel.mqtt.user ? `, as ${channel.mqtt.user}` : ", without a user"}</Fact>}
          {channel.kind === "webhook" && <Fact name="Signing"><KeyPart channel={channel} may={may} /></Fact>}
          <Troubles channel={channel} />
          <Fact name="Queued">{channel.waiting === 0 ? "none" : `${integer(channel.waiting)}, one at a time`}</Fact>
          {tenants.length > 1 && <Fact name="Tenant">{channel.tenant.name}</Fact>}
          <Fact name="Created">{dateOnly(channel.created_at)}</Fact>
        </Facts>
      </div>
      <RoutesPart channel={channel} may={may} />
      <DeliveryLog channel={channel} search={route.useSearch()}
        onSearch={(search) => void navigate({ search: (old) => ({ ...old, ...search }), replace: true, resetScroll: false })} />
      <ChannelPanel opened={editing ? { channel } : null} onClose={() => setEditing(false)} onRoute={() => {}} />
      <RemoveChannelHere channel={removing ? channel : null} onClose={() => setRemoving(false)} />
    </>
  );
}

/** Since when it fails, and what came of that; nothing, while it works. */
function Troubles({ channel: { failing_since: since, gave_up_at: gaveUp, failing_told: isTold } }: { channel: Channel }) {
  return (
    <>
      {since && (
        <Fact name="Failing since">
          <span data-failing-since>{dateTime(since)}</span>{isTold && <span className="text-muted">, the other channels of the tenant were told</span>}
        </Fact>
      )}
      {gaveUp && <Fact name="Gave up"><span data-gave-up>{dateTime(gaveUp)}</span><span className="text-muted">: a notification that did not get through in time; the log below says which</span></Fact>}
    </>
  );
}

/** What leads to it, in sentences. */
function RoutesPart({ channel, may }: { channel: Channel; may: boolean }) {
  const list = useRoutes();
  const channels = useChannels();
  const [opened, setOpened] = useState<OpenedRoute>(null);
  const own = { ...list, rows: list.rows.filter((one) => one.channel.id === channel.id) };
  const mayIn = useMayIn();
  return (
    <section aria-labelledby="routes">
      <div className="flex min-h-8 flex-wrap items-center gap-3 px-4 pb-2 phone:px-3">
        <h2 id="routes" className="font-semibold">Routes</h2>
        {may && <Button onClick={() => setOpened({ route: null, channel: channel.id })}><Icon name="plus" size={14} /> New route</Button>}
      </div>
      {list.phase === "ready" && own.rows.length === 0 && !list.more
        ? <p className="px-4 text-muted phone:px-3" data-no-route>None leads here: of no alert anything is sent to it.</p>
        : <RouteTable list={own} channels={[channel]} isOfOne onEdit={(one) => setOpened({ route: one, channel: null })} />}
      <RoutePanel opened={opened} channels={channels.rows.filter(({ tenant }) => mayIn(tenant.id).admin)} onClose={() => setOpened(null)} />
    </section>
  );
}

function RemoveChannelHere({ channel, onClose }: { channel: Channel | null; onClose: () => void }) {
  const routes = useRoutes();
  const navigate = route.useNavigate();
  return (
    <RemoveChannel channel={channel} routes={routes.rows} onClose={onClose}
      onGone={() => void navigate({ to: "/settings/notifications" })} />
  );
}
