import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { api, take } from "../../lib/api";
import { byName } from "../../lib/format";
import { useMayIn } from "../../lib/role";
import { live, useDevice, useTableValue } from "../../lib/live-app";
import { useDeviceNames } from "../../lib/live-names";
import type { Names } from "../../lib/names";
import { isInScope, narrowed, useScope } from "../../lib/scope";
import { useCommands } from "../../lib/use-commands";
import { usePages } from "../../lib/use-pages";
import { REFRESH_MS } from "../../lib/use-refresh";
import { useTitle } from "../../lib/use-title";
import { Button } from "../../ui/button";
import { FilterChip } from "../../ui/chip";
import { Chooser } from "../../ui/chooser";
import { DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { Picker } from "../../ui/picker";
import { ConfigFrame } from "./config-frame";
import { JobDetail, jobColumns } from "./job-columns";
import { KEYS, paceOf, useLookAgain, useTakeBack } from "./queries";
import type { JobState } from "./types";
import { JOB_WORD } from "./words";

const route = getRouteApi("/_app/config/jobs");
const ROWS = 100;
const EVERY = "every";
const CHOICES = [{ value: EVERY, label: "Every state" }, ...Object.entries(JOB_WORD).map(([value, label]) => ({ value, label }))];

/** The jobs of one device, found by its name: there are too many of them for a list to go through. */
function DeviceFilter({ names, device, onChoose }: { names: Names; device: string | undefined; onChoose: (id: string) => void }) {
  const scope = useScope();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const membership = useTableValue(live.devices, (table) => table.membership);
  const options = useMemo(
    () => live.devices.list().filter((one) => isInScope(scope, one)).toSorted((a, b) => byName(a.name, b.name))
      .map((one) => ({ value: one.id, label: names.name(one), detail: scope.isMixed ? `${one.tenant.name} · ${one.site.name}` : one.site.name })),
    // oxlint-disable-next-line react/exhaustive-deps -- membership stands for the list
    [membership, scope, names],
  );
  useCommands({ "list.filter": () => setOpen(true) });
  return (
    <>
      <Button ref={button} aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)} className="phone:flex-1" data-job-device>
        <Icon name="search" size={14} /> Find a device <span className="text-faint phone:hidden">( / )</span>
      </Button>
      {open && (
        <Chooser label="Device" anchor={button} options={options} value={device ?? ""} onClose={() => setOpen(false)} onChoose={(id) => {
          setOpen(false);
          onChoose(id);
        }} />
      )}
    </>
  );
}

/** What was fetched, is being fetched and failed to be, newest first. */
export function JobsPage() {
  const { state, device } = route.useSearch();
  const navigate = route.useNavigate();
  const scope = useScope();
  const names = useDeviceNames();
  useEffect(() => live.ensureDevices(), []);
  const key = [...KEYS.jobs, scope.tenant?.id ?? "", state, device];
  const list = usePages(key, (cursor) => take(api.GET("/api/v1/config-jobs", {
    params: { query: { ...narrowed(scope), ...(state ? { state } : {}), ...(device ? { device } : {}), ...cursor, limit: ROWS } },
  })));
  useLookAgain(list, key, ROWS, Math.min(...list.rows.map(paceOf), REFRESH_MS));
  const columns = useMemo(() => jobColumns(names, scope.isMixed), [names, scope.isMixed]);
  const named = useDevice(device ?? "")?.name ?? list.rows[0]?.device.name ?? "one device";
  const mayIn = useMayIn();
  const takeBack = useTakeBack();
  const clear = () => void navigate({ search: (old) => ({ ...old, state: undefined, device: undefined }), replace: true });
  useTitle("Jobs");
  return (
    <ConfigFrame filters={
      <search className="flex flex-wrap items-center gap-2 phone:w-full">
        <Picker label="State" className="desk:w-40!" value={state ?? EVERY} choices={CHOICES}
          onChange={(next) => void navigate({ search: (old) => ({ ...old, state: next === EVERY ? undefined : (next as JobState) }), replace: true })} />
        <DeviceFilter names={names} device={device} onChoose={(id) => void navigate({ search: (old) => ({ ...old, device: id }), replace: true })} />
        {device && (
          <FilterChip label="Show the jobs of all devices" onRemove={() => void navigate({ search: (old) => ({ ...old, device: undefined }), replace: true })}>
            of {named}
          </FilterChip>
        )}
      </search>
    }>
      {takeBack.error && <ErrorNote error={takeBack.error} className="mx-4 my-2 phone:mx-3" />}
      <DataTable label="Jobs" list={list} columns={columns} keyOf={(job) => job.id} first={{ by: "created", desc: true }}
        renderDetail={(job) => <JobDetail job={job} />}
        renderActions={(job) => job.state === "queued" && mayIn(job.tenant.id).write && (
          <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Take back the job of ${job.device.name}`} disabled={takeBack.isPending}
            onClick={() => takeBack.mutate(job)}>
            Take back
          </Button>
        )}
        empty={state || device ? (
          <Empty title="No job that fits"><Button className="self-start" onClick={clear}>Show all jobs</Button></Empty>
        ) : (
          <Empty title="No job yet">
            <p>
              A job fetches the configuration of one device: by schedule, after a change was noticed, or because somebody asked
              for it. There is none before a device has a login by SSH.
            </p>
            <Link to="/config" className="py-1 text-accent underline underline-offset-4">See the devices</Link>
          </Empty>
        )} />
    </ConfigFrame>
  );
}
