import { useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { serverNow } from "../../lib/clock";
import { dateTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { useScope } from "../../lib/scope";
import { spanWords } from "../../lib/span";
import type { Screen } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useRefresh } from "../../lib/use-refresh";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { StateBadge } from "../../ui/state-badge";
import { RemoveScreen } from "./remove-screen";
import { viewWords } from "./screen-draft";
import { type Opened, ScreenPanel } from "./screen-panel";
import { SCREENS } from "./screens";
import { seenWords } from "./seen";

/** A screen tells of itself each minute. */
const REFRESH_MS = 30_000;

function tenantWords({ tenants, shared }: Screen): string {
  const names = tenants ? tenants.map(({ name }) => name).join(", ") : "All";
  return shared ? `${names} and others` : names;
}

/** Ticks: silence grows by itself. */
function Seen({ screen: { last_used_at: at } }: { screen: Screen }) {
  const word = useEachSecond(() => seenWords(at, serverNow()).word);
  const state = useEachSecond(() => seenWords(at, serverNow()).state);
  return <span title={at ? `Seen last ${dateTime(at)}` : undefined}><StateBadge state={state} word={word} /></span>;
}

function columnsOf(nameOf: (tenant: string) => string): Column<Screen>[] {
  return [
    { by: "name", label: "Name", title: true, read: (one) => one.name, cell: (one) => one.name },
    { by: "state", label: "State", className: "phone:col-span-2", read: (one) => (one.last_used_at ? Date.parse(one.last_used_at) : null), cell: (one) => <Seen screen={one} /> },
    { by: "tenants", label: "Tenants", read: tenantWords, cell: tenantWords },
    { by: "views", label: "Shows", className: "text-muted phone:col-span-2", read: (one) => viewWords(one.views, nameOf),
      cell: (one) => <span>{viewWords(one.views, nameOf)}{one.views.length > 1 && `, ${spanWords(one.every_s)} each`}</span> },
  ];
}

export function ScreensPage() {
  const { tenants } = useScope();
  const [opened, setOpened] = useState<Opened>(null);
  const [removing, setRemoving] = useState<Screen | null>(null);
  const list = usePages(SCREENS, (cursor) => take(api.GET("/api/v1/screens", { params: { query: { ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf((id) => tenants.find((one) => one.id === id)?.name ?? "another tenant"), [tenants]);
  const add = () => setOpened({ screen: null });
  useRefresh(list.rows.length <= ROWS ? [SCREENS] : [], REFRESH_MS);
  useTitle("Wallboards", true);
  return (
    <>
      <PageHead title="Wallboards">
        <span className="flex-1" />
        <a href="/wall" target="_blank" rel="noreferrer"
          className="inline-flex h-8 items-center rounded-md px-3 text-muted hover:bg-hover hover:text-text phone:h-11">Preview</a>
        {!list.isEmpty && <Button look="solid" onClick={add}><Icon name="plus" size={14} /> New wallboard</Button>}
      </PageHead>
      <DataTable label="Wallboards" list={list} columns={columns} keyOf={(one) => one.id} first={{ by: "name", desc: false }}
        renderActions={(screen) => (
          <>
            {!screen.shared && (
              <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Edit ${screen.name}`} onClick={() => setOpened({ screen })}>Edit</Button>
            )}
            <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Remove ${screen.name}`} onClick={() => setRemoving(screen)}>Remove</Button>
          </>
        )}
        empty={
          <Empty title="No wallboard yet">
            <p>A wallboard shows how your network is on a screen in the room: what is wrong now, all sites, every device. Nobody signs in at it.</p>
            <ol className="flex list-decimal flex-col gap-1.5 pl-5">
              <li>Make one here: choose what it shows, and for how long each.</li>
              <li>Open its link on the screen, by its QR code or by pasting it.</li>
              <li>Leave it. It goes on after restarts of the collector, and ends when you remove it here.</li>
            </ol>
            <Button look="solid" className="self-start" onClick={add}>Make the first wallboard</Button>
          </Empty>
        } />
      <ScreenPanel opened={opened} onClose={() => setOpened(null)} />
      <RemoveScreen target={removing} onClose={() => setRemoving(null)} />
    </>
  );
}
