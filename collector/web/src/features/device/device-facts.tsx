import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { duration, NONE, shortModel } from "../../lib/format";
import { live, useAgent } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import type { Device, DeviceDetail } from "../../lib/types";
import { Age } from "../../ui/age";
import { Dotted } from "../../ui/dotted";
import { Fact, Facts } from "../../ui/facts";

/** What is known of a device, and when it said so. */
export function DeviceFacts({ device, detail: { facts } }: { device: Device; detail: DeviceDetail }) {
  return (
    <section aria-labelledby="device-facts" className="rounded-lg border border-line bg-surface px-3 py-2">
      <div className="mb-1 flex items-baseline gap-2">
        <h2 id="device-facts" className="font-semibold">Facts</h2>
        <span className="flex-1" />
        {facts.seen_at && <span className="text-xs text-muted">told <Age at={facts.seen_at} long /></span>}
      </div>
      <Facts>
        <Fact name="Address"><span className="select-all">{device.address}</span></Fact>
        {facts.answers_from && (
          <Fact name="Answers from"><span className="select-all" title="Its SNMP answers come from here: it has several addresses">{facts.answers_from}</span></Fact>
        )}
        <Fact name="Model"><span title={facts.sys_descr ?? undefined}>{shortModel(facts.sys_descr ?? device.model)}</span></Fact>
        <Fact name="System name">{facts.sys_name ?? device.sys_name ?? NONE}</Fact>
        {facts.sys_location && <Fact name="Location">{facts.sys_location}</Fact>}
        {facts.sys_contact && <Fact name="Contact">{facts.sys_contact}</Fact>}
        <Fact name="Uptime">{duration(device.uptime_s)}</Fact>
        <Fact name="Last sample">{device.last_sample_at ? <Age at={device.last_sample_at} long /> : "none yet"}</Fact>
        <Fact name="Polled"><Polled device={device} /></Fact>
        <Fact name="Site">{device.tenant.name} · {device.site.name}</Fact>
        {device.tags.length > 0 && <Fact name="Tags"><Tags device={device} /></Fact>}
      </Facts>
    </section>
  );
}

/** The agent by the name that the other pages give it, once they are known. */
function Polled({ device: { agent, interval_s: interval } }: { device: Device }) {
  useEffect(() => live.ensureAgents(), []);
  const row = useAgent(agent.id);
  const names = useAgentNames();
  return (
    <>
      every {duration(interval)} by{" "}
      <Link to="/agents/$id" params={{ id: agent.id }} className="touch hover:underline">
        <Dotted name={row ? names.name(row) : agent.name} />
      </Link>
    </>
  );
}

function Tags({ device: { tags, tenant } }: { device: Device }) {
  return (
    <span className="inline-flex flex-wrap gap-1">
      {tags.map((tag) => (
        <Link key={tag} to="/fleet" search={{ tenant: tenant.id, tag }} title={`Devices tagged ${tag}`}
          className="group inline-flex items-center phone:min-h-11 phone:min-w-11">
          <span className="inline-flex min-h-6 items-center rounded-full border border-line px-2.5 text-xs group-hover:bg-hover">
            {tag}
          </span>
        </Link>
      ))}
    </span>
  );
}
