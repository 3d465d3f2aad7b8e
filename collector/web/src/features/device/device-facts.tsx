import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { duration, NONE, shortModel } from "../../lib/format";
import { live, useAgent } from "../../lib/live-app";
import { useAgentNames } from "../../lib/live-names";
import type { Device, DeviceDetail } from "../../lib/types";
import { Age } from "../../ui/age";
import { Dotted } from "../../ui/dotted";

/** What is known of a device, below what is wrong with it. */
export function DeviceFacts({ device, detail: { facts } }: { device: Device; detail: DeviceDetail }) {
  return (
    <dl className="flex flex-wrap gap-x-6 gap-y-2 border-b border-line px-4 pt-2 pb-3 phone:grid phone:grid-cols-2 phone:px-3">
      <Fact name="Last sample">{device.last_sample_at ? <Age at={device.last_sample_at} long /> : "none yet"}</Fact>
      <Fact name="Address"><span className="select-all">{device.address}</span></Fact>
      {facts.answers_from && (
        <Fact name="Answers from"><span className="select-all" title="Its SNMP answers come from here: it has several addresses">{facts.answers_from}</span></Fact>
      )}
      <Fact name="Model"><span title={facts.sys_descr ?? undefined}>{shortModel(facts.sys_descr ?? device.model)}</span></Fact>
      <Fact name="System name">{facts.sys_name ?? device.sys_name ?? NONE}</Fact>
      <Fact name="Location">{facts.sys_location || NONE}</Fact>
      <Fact name="Contact">{facts.sys_contact || NONE}</Fact>
      <Fact name="Uptime">{duration(device.uptime_s)}</Fact>
      <Fact name="Polled"><Polled device={device} /></Fact>
      <Fact name="Site">{device.tenant.name} · {device.site.name}</Fact>
      {device.tags.length > 0 && <Fact name="Tags"><Tags device={device} /></Fact>}
    </dl>
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

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="clip max-w-[240px] phone:whitespace-normal! phone:wrap-anywhere">{children}</dd>
    </div>
  );
}
