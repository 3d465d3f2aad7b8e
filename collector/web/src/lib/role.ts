/** What the signed-in person may do. The server decides; this keeps dead ends off the pages. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { type Tenant, useScope } from "./scope";
import { meQuery } from "./session";
import type { Me } from "./types";

export interface May {
  /** Devices and enrolment tokens. */
  write: boolean;
  /** API keys and revoking agents. */
  admin: boolean;
  /** Tenants, quotas and the people of all tenants. */
  provider: boolean;
  /** Provider access: to give it as an administrator, or to have it as one of the staff. */
  visit: boolean;
}

export type OfRole = Omit<May, "visit">;

export type Role = "viewer" | "operator" | "tenant_admin" | "super_admin";

interface RoleInfo {
  word: string;
  /** For who gives the role to somebody. */
  note: string;
  may: OfRole;
}

/** From the least to the most. */
export const ROLES: Readonly<Record<Role, RoleInfo>> = {
  viewer: {
    word: "Viewer",
    note: "Sees devices, their history and their state. Changes nothing.",
    may: { write: false, admin: false, provider: false },
  },
  operator: {
    word: "Operator",
    note: "Adds and removes devices, makes tokens for agents.",
    may: { write: true, admin: false, provider: false },
  },
  tenant_admin: {
    word: "Administrator",
    note: "All of one tenant: its people, API keys, credentials and agents.",
    may: { write: true, admin: true, provider: false },
  },
  super_admin: {
    word: "Provider administrator",
    note: "All tenants of this collector, and making new ones.",
    may: { write: true, admin: true, provider: true },
  },
};

const isRole = (role: string): role is Role => Object.hasOwn(ROLES, role);

const NOTHING: OfRole = { write: false, admin: false, provider: false };
const ANYTHING: OfRole = { write: true, admin: true, provider: true };

/** `role` is the highest one anywhere; an unknown one is left for the server to judge. */
export function mayBy(role: string | undefined, isStaff = false): May {
  const may = role === undefined ? NOTHING : isRole(role) ? ROLES[role].may : ANYTHING;
  return { ...may, visit: may.admin || isStaff };
}

export function roleWord(role: string): string {
  return isRole(role) ? ROLES[role].word : role;
}

export function useMay(): May {
  const user = useQuery(meQuery).data?.user;
  return mayBy(user?.role, user?.staff);
}

/**
 * What the signed-in person may do in one tenant: what belongs to a tenant is judged by this, never
 * by the highest role anywhere.
 */
export function useMayIn(): (tenant: string) => OfRole {
  const { provider } = useMay();
  const { tenants } = useScope();
  return useCallback((id) => (provider ? ANYTHING : mayBy(tenants.find((tenant) => tenant.id === id)?.role)), [provider, tenants]);
}

/** The tenants in which something can be made. */
export function useTenantsFor(need: keyof OfRole): readonly Tenant[] {
  const { tenants } = useScope();
  const mayIn = useMayIn();
  return useMemo(() => tenants.filter(({ id }) => mayIn(id)[need]), [tenants, mayIn, need]);
}

/** Whether something can be made in what the pages are narrowed to. */
export function useMayMake(need: keyof OfRole): boolean {
  const { tenant } = useScope();
  const { provider } = useMay();
  const tenants = useTenantsFor(need);
  // The provider's may, also where there is no tenant yet.
  return provider || tenants.some(({ id }) => tenant === null || tenant.id === id);
}

/** In no tenant: nothing is live for them, and most of the API says so. */
export function seesNothing({ user, tenants }: Me): boolean {
  return tenants.length === 0 && user.role !== "super_admin";
}
