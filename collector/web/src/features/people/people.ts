/** People in words, and the operations on them that several parts of the page use. */
import { api, take } from "../../lib/api";
import { type Role, roleWord } from "../../lib/role";
import type { Person } from "../../lib/types";

export type TenantRole = Exclude<Role, "super_admin">;

/** The lists of people and of members, whatever they are narrowed to. */
export const PEOPLE = ["people"] as const;

/** What somebody may do, as one line: «Operator of Alpine Fibre, Viewer of Borealis Net». */
export function rightsOf({ super_admin, staff, memberships }: Person, isMixed: boolean): string {
  if (super_admin) return "Everything, in all tenants";
  const roles = memberships.map(({ name, role }) => (isMixed ? `${roleWord(role)} of ${name}` : roleWord(role)));
  if (roles.length > 0) return roles.join(", ");
  return staff ? "Nothing without provider access" : "Nothing";
}

/** Whose password alone opens more than their own work: the provider's administrators, and those of a tenant. */
export function isOpen({ super_admin, memberships, totp, disabled }: Person): boolean {
  return !totp && !disabled && (super_admin === true || memberships.some(({ role }) => role === "tenant_admin"));
}

/** A mail to them that asks for a second factor, to be sent by whoever reads the page. */
export function askForFactor({ email }: Pick<Person, "email">, origin: string): string {
  const body = `You administer Farwatch, and your password alone opens your account. Please set up a second factor:\n\n${origin}/settings/account\n`;
  return `mailto:${encodeURIComponent(email)}?subject=${encodeURIComponent("Farwatch: please set up a second factor")}&body=${encodeURIComponent(body)}`;
}

export function stateOf({ disabled, must_change_password }: Person): "disabled" | "invited" | "active" {
  if (disabled) return "disabled";
  return must_change_password ? "invited" : "active";
}

export function setRole(tenant: string, user: string, role: TenantRole) {
  const path = { id: tenant, user };
  return take(api.PUT("/api/v1/tenants/{id}/members/{user}", { params: { path }, body: { role } }));
}

export interface Newcomer {
  email: string;
  /** What they are to be: of the provider, or with a role in some tenants. */
  as: "member" | "staff" | "super_admin";
  role: TenantRole;
  tenants: readonly string[];
}

/** The one-time password, or null for somebody who has an account already. */
export async function addPerson({ email, as, role, tenants }: Newcomer): Promise<string | null> {
  if (as !== "member") {
    const body = as === "staff" ? { email, staff: true } : { email, role: "super_admin" as const };
    return (await take(api.POST("/api/v1/users", { body }))).data.one_time_password;
  }
  let password: string | null = null;
  for (const id of tenants) {
    // The first makes the account that the others are for.
    // oxlint-disable-next-line no-await-in-loop
    const { data } = await take(api.POST("/api/v1/tenants/{id}/members", { params: { path: { id } }, body: { email, role } }));
    password ??= data.one_time_password;
  }
  return password;
}
