import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useMayIn } from "../../lib/role";
import { useScope } from "../../lib/scope";
import type { Pages } from "../../lib/use-pages";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Tag } from "../../ui/tag";
import { useSiteName } from "./queries";
import { sentenceHead, sentenceTail } from "./route-words";
import type { Channel, Route } from "./types";

interface Props {
  list: Pages<Route>;
  channels: readonly Channel[];
  /** Of the page of one channel: its name leads nowhere there. */
  isOfOne?: boolean;
  onEdit: (route: Route) => void;
}

function columnsOf(
  channels: readonly Channel[], siteName: (id: string) => string, isOfOne: boolean, hasTenant: boolean,
): readonly Column<Route>[] {
  const tenant: Column<Route> = { by: "tenant", label: "Tenant", className: "text-muted", read: (row) => row.tenant.name, cell: (row) => row.tenant.name };
  const isOff = (route: Route) => channels.some(({ id, enabled }) => id === route.channel.id && !enabled);
  return [
    { by: "sentence", label: "Route", read: (row) => row.channel.name, title: true,
      cell: (row) => <Sentence route={row} siteName={siteName} isOff={isOff(row)} isOfOne={isOfOne} /> },
    ...(hasTenant ? [tenant] : []),
  ];
}

/** Routes as sentences. */
export function RouteTable({ list, channels, isOfOne = false, onEdit }: Props) {
  const scope = useScope();
  const mayIn = useMayIn();
  const siteName = useSiteName();
  const hasTenant = scope.isMixed && !isOfOne;
  const columns = useMemo(() => columnsOf(channels, siteName, isOfOne, hasTenant), [channels, siteName, isOfOne, hasTenant]);
  const canChange = list.rows.some(({ tenant }) => mayIn(tenant.id).admin);
  return (
    <>
      <DataTable label="Routes" list={list} columns={columns} keyOf={(row) => row.id} first={{ by: "sentence", desc: false }} hasNoHead empty={null}
        renderActions={canChange ? (route) => mayIn(route.tenant.id).admin && (
          <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Edit the route to ${route.channel.name}`} onClick={() => onEdit(route)}>
            Edit
          </Button>
        ) : undefined} />
    </>
  );
}

interface SentenceProps {
  route: Route;
  siteName: (id: string) => string;
  isOff: boolean;
  isOfOne: boolean;
}

function Sentence({ route, siteName, isOff, isOfOne }: SentenceProps) {
  const { channel, sites } = route;
  return (
    <span className="block min-w-0 py-1.5 font-normal wrap-anywhere phone:text-sm" title={sites.length > 3 ? sites.map(siteName).join(", ") : undefined}>
      {sentenceHead(route, siteName)}{" "}
      {isOfOne ? <span className="font-medium">{channel.name}</span> : (
        <Link to="/settings/notifications/$id" params={{ id: channel.id }} className="font-medium text-accent underline underline-offset-2">{channel.name}</Link>
      )}
      {sentenceTail(route)}
      {isOff && <> <Tag tone="warn" title="The channel is off: nothing goes there">off</Tag></>}
    </span>
  );
}
