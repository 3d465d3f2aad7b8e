import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { api, take } from "../../lib/api";
import { integer } from "../../lib/format";
import { live, useTableValue } from "../../lib/live-app";
import { narrowed, useScope } from "../../lib/scope";
import type { CredentialProfile } from "../../lib/types";
import { ROWS, usePages } from "../../lib/use-pages";
import { useTitle } from "../../lib/use-title";
import { Age } from "../../ui/age";
import { Button } from "../../ui/button";
import { type Column, DataTable } from "../../ui/data-table";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { PageHead } from "../../ui/page-head";
import { type OpenedProfile, ProfilePanel, PROFILES } from "./profile-panel";
import { isInPlace, scopeWords } from "./profile-scope";
import { RemoveProfile } from "./remove-profile";
import { aboutWords } from "./about-words";

const IN_SCOPE = "All devices that it is for, also those that have a credential of their own or a profile that fits better";

/** The first that there is counts. */
const ORDER = ["its own", "site and tag", "site", "tag", "tenant"] as const;

/** How many devices it is for; the link leads to them. */
function InPlace({ profile }: { profile: CredentialProfile }) {
  const count = useTableValue(live.devices, (table) =>
    table.phase === "ready" ? table.list().filter((device) => isInPlace(profile, device)).length : null);
  const { tenant, site, tag } = profile;
  return (
    <Link to="/fleet" search={{ tenant: tenant.id, ...(site ? { q: site.name } : {}), ...(tag ? { tag } : {}) }}
      title={IN_SCOPE}
      className="text-accent hover:underline phone:inline-flex phone:min-h-11 phone:min-w-11 phone:items-center">
      {integer(count)}
    </Link>
  );
}

function columnsOf(isMixed: boolean): readonly Column<CredentialProfile>[] {
  const tenant: Column<CredentialProfile> = {
    by: "tenant", label: "Tenant", className: "text-muted", read: (row) => row.tenant.name, cell: (row) => row.tenant.name,
  };
  return [
    { by: "name", label: "Profile", title: true, read: (row) => row.name, cell: (row) => row.name },
    ...(isMixed ? [tenant] : []),
    { by: "for", label: "For", className: "phone:col-span-2", read: scopeWords, cell: scopeWords },
    { by: "about", label: "Credential", className: "phone:col-span-2", read: aboutWords, cell: aboutWords },
    { by: "count", label: "Devices in scope", note: IN_SCOPE, figure: true, cell: (row) => <InPlace profile={row} /> },
    { by: "changed", label: "Changed", className: "text-muted", read: (row) => Date.parse(row.updated_at), cell: (row) => <Age at={row.updated_at} long /> },
  ];
}

/** What devices are asked with that have no credential of their own. */
export function CredentialsPage() {
  const scope = useScope();
  const [opened, setOpened] = useState<OpenedProfile>(null);
  const [removing, setRemoving] = useState<CredentialProfile | null>(null);
  useEffect(() => live.ensureDevices(), []);
  const list = usePages([...PROFILES, scope.tenant?.id ?? ""], (cursor) =>
    take(api.GET("/api/v1/credential-profiles", { params: { query: { ...narrowed(scope), ...cursor, limit: ROWS } } })));
  const columns = useMemo(() => columnsOf(scope.isMixed), [scope.isMixed]);
  useTitle("Credentials");
  const add = () => setOpened({ profile: null });
  return (
    <>
      <PageHead title="Credentials">
        <span className="flex-1" />
        {!list.isEmpty && <Button look="solid" onClick={add}><Icon name="plus" size={14} /> New profile</Button>}
      </PageHead>
      {list.rows.length > 0 && (
        <div className="flex flex-wrap gap-x-3 gap-y-1 px-4 pb-3 text-muted phone:px-3">
          <p>Which one a device takes:</p>
          <ol className="flex flex-wrap gap-x-3 gap-y-1" aria-label="Which credential a device takes, the first that there is">
            {ORDER.map((text, at) => <li key={text}><span className="text-text">{at + 1}</span> {text}</li>)}
          </ol>
          <p title="For SNMP and for SSH each by itself">Of two alike, the older.</p>
        </div>
      )}
      <DataTable label="Credential profiles" list={list} columns={columns} keyOf={(row) => row.id}
        first={{ by: "name", desc: false }}
        renderActions={(profile) => (
          <>
            <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Edit ${profile.name}`} onClick={() => setOpened({ profile })}>
              Edit
            </Button>
            <Button look="quiet" className="h-7 phone:border phone:border-edge" aria-label={`Remove ${profile.name}`} onClick={() => setRemoving(profile)}>
              Remove
            </Button>
          </>
        )}
        empty={
          <Empty title="No credential profile yet">
            <p>
              A profile holds one credential for many devices, of a site, with a tag, or all of a tenant: a community or a
              user of SNMPv3, or a login by SSH with which their configurations are backed up. To change that of hundreds
              of devices is then one change. It is stored sealed and never shown.
            </p>
            <Button look="solid" className="self-start" onClick={add}>Make a profile</Button>
          </Empty>
        } />
      <ProfilePanel opened={opened} onClose={() => setOpened(null)} />
      <RemoveProfile profile={removing} onClose={() => setRemoving(null)} />
    </>
  );
}
