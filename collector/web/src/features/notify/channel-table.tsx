import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { serverNow } from "../../lib/clock";
import { integer, sinceTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { useScope } from "../../lib/scope";
import type { Pages } from "../../lib/use-pages";
import { Age } from "../../ui/age";
import { type Column, DataTable } from "../../ui/data-table";
import { OffBadge, StateBadge } from "../../ui/state-badge";
import { channelShown, KIND_WORD, targetWords } from "./channel-words";
import type { Channel } from "./types";

/** How a channel is, and since when it is so. */
export function ChannelState({ channel }: { channel: Channel }) {
  const { state, word, since } = channelShown(channel);
  const note = useEachSecond(() => (since === null ? null : `since ${sinceTime(since, serverNow())}`));
  return channel.enabled ? <StateBadge state={state} word={word} note={note} /> : <OffBadge />;
}

function LastTold({ channel: { last_told_at: last } }: { channel: Channel }) {
  return <span className="min-w-0 text-muted">{last ? <Age at={last} long /> : "nothing yet"}</span>;
}

function columnsOf(isMixed: boolean): readonly Column<Channel>[] {
  const tenant: Column<Channel> = { by: "tenant", label: "Tenant", className: "text-muted", read: (row) => row.tenant.name, cell: (row) => row.tenant.name };
  return [
    { by: "name", label: "Channel", title: true, read: (row) => row.name,
      cell: (row) => (
        <Link to="/settings/notifications/$id" params={{ id: row.id }}
          className="text-accent hover:underline desk:inline-block desk:py-1.5 phone:after:absolute phone:after:inset-0">
          {row.name}
        </Link>
      ) },
    ...(isMixed ? [tenant] : []),
    { by: "kind", label: "Kind", className: "text-muted", read: (row) => KIND_WORD[row.kind], cell: (row) => KIND_WORD[row.kind] },
    { by: "target", label: "Target", className: "phone:col-span-2", read: targetWords,
      cell: (row) => <span className="block min-w-0 wrap-anywhere desk:py-1.5" title={row.to.length > 1 ? row.to.join(", ") : undefined}>{targetWords(row)}</span> },
    { by: "state", label: "State", className: "phone:col-span-2", read: (row) => (row.enabled ? row.state : "off"), cell: (row) => <ChannelState channel={row} /> },
    { by: "waiting", label: "Queued", note: "What is still to be told, or tried again", figure: true, read: (row) => row.waiting,
      cell: (row) => integer(row.waiting) },
    { by: "last", label: "Told last", className: "whitespace-nowrap", read: (row) => (row.last_told_at ? Date.parse(row.last_told_at) : null), cell: (row) => <LastTold channel={row} /> },
  ];
}

/** A row leads to the page of its channel: what can be done with it is there. */
export function ChannelTable({ list }: { list: Pages<Channel> }) {
  const scope = useScope();
  const columns = useMemo(() => columnsOf(scope.isMixed), [scope.isMixed]);
  return (
    <DataTable label="Channels" list={list} columns={columns} keyOf={(row) => row.id} first={{ by: "name", desc: false }} empty={null} />
  );
}
