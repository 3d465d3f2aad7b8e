import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../lib/api";
import { ROLES } from "../../lib/role";
import { useScope } from "../../lib/scope";
import type { Person } from "../../lib/types";
import { useMe } from "../../lib/use-person";
import { Button, IconButton } from "../../ui/button";
import { Confirm } from "../../ui/confirm";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { Part } from "../../ui/part";
import { Picker } from "../../ui/picker";
import { PEOPLE, setRole, type TenantRole } from "./people";

const CHOICES = (["viewer", "operator", "tenant_admin"] as const).map((value) => ({ value, label: ROLES[value].word }));

type Membership = Person["memberships"][number];

/** The role in each tenant, changed in its place. */
export function Memberships({ person }: { person: Person }) {
  const queries = useQueryClient();
  const me = useMe()?.user.id;
  const [leaving, setLeaving] = useState<Membership | null>(null);
  const change = useMutation({
    mutationFn: ({ tenant, role }: { tenant: string; role: TenantRole }) => setRole(tenant, person.id, role),
    onSuccess: () => queries.invalidateQueries({ queryKey: PEOPLE }),
  });
  const roleOf = ({ id, role }: Membership) =>
    change.isPending && change.variables.tenant === id ? change.variables.role : role;
  return (
    <Part title="Roles">
      {person.memberships.length === 0 && <p className="text-muted">In no tenant of yours.</p>}
      {person.memberships.map((membership) => (
        <div key={membership.id} className="flex items-center gap-2" data-membership={membership.name}>
          <span className="clip min-w-0 flex-1" title={membership.name}>{membership.name}</span>
          <Picker label={`Role in ${membership.name}`} className="w-36! shrink-0" choices={CHOICES} value={roleOf(membership)}
            onChange={(role) => change.mutate({ tenant: membership.id, role: role as TenantRole })} />
          <IconButton label={`Take out of ${membership.name}`} onClick={() => setLeaving(membership)}>
            <Icon name="close" />
          </IconButton>
        </div>
      ))}
      <JoinTenant person={person} onJoin={(tenant) => change.mutate({ tenant, role: "viewer" })} />
      {change.error && <ErrorNote error={change.error} />}
      <Leave person={person} isMe={person.id === me} membership={leaving} onClose={() => setLeaving(null)} />
    </Part>
  );
}

/** Only a provider's administrator brings somebody into a tenant by their account alone. */
function JoinTenant({ person, onJoin }: { person: Person; onJoin: (tenant: string) => void }) {
  const isProvider = useMe()?.user.role === "super_admin";
  const { tenants, tenant } = useScope();
  const [open, setOpen] = useState(false);
  // Narrowed to one tenant, the server tells of that one only.
  const others = tenant ? [] : tenants.filter(({ id }) => !person.memberships.some((one) => one.id === id));
  if (!isProvider || others.length === 0) return null;
  if (!open) return <Button look="quiet" className="-ml-3 self-start" onClick={() => setOpen(true)}><Icon name="plus" size={14} /> Another tenant</Button>;
  return (
    <Picker label="Tenant to join" placeholder="Which tenant? They begin as viewer." value=""
      choices={others.map(({ id, name }) => ({ value: id, label: name }))}
      onChange={(id) => {
        setOpen(false);
        onJoin(id);
      }} />
  );
}

function Leave({ person, isMe, membership, onClose }: {
  person: Person; isMe: boolean; membership: Membership | null; onClose: () => void;
}) {
  const queries = useQueryClient();
  const leave = useMutation({
    mutationFn: (id: string) =>
      take(api.DELETE("/api/v1/tenants/{id}/members/{user}", { params: { path: { id, user: person.id } } })),
    onSuccess: async () => {
      onClose();
      await queries.invalidateQueries({ queryKey: PEOPLE });
    },
  });
  return (
    <Confirm open={membership !== null} title={`Take ${person.email} out of ${membership?.name ?? ""}?`}
      action="Take out" busy={leave.isPending} error={leave.error}
      loses={isMe ? [`Your own way into ${membership?.name ?? ""}`] : []}
      onOpenChange={(open) => {
        if (open) return;
        leave.reset();
        onClose();
      }}
      onConfirm={() => membership && leave.mutate(membership.id)}>
      They see nothing of it from the next moment on. An account that is in no other tenant, and is not of
      the provider, is deleted with it.
    </Confirm>
  );
}
