/**
 * The tenant that the pages are narrowed to, or all of them.
 *
 * The URL leads (`?tenant=`), so that a link shows what its sender saw. What was chosen last is
 * remembered for a page that is opened without one.
 */
import { createContext, useContext } from "react";
import { byName } from "./format";
import type { Me } from "./types";

type MyTenant = Me["tenants"][number];
/** `granted_until` ends the provider access by which one of the staff is in it. */
export type Tenant = Pick<MyTenant, "id" | "name"> & Partial<Pick<MyTenant, "granted_until" | "role" | "demo">>;

export interface Scope {
  /** All that the signed-in person may see, by their names. */
  tenants: readonly Tenant[];
  /** The one that is chosen, or null for all. */
  tenant: Tenant | null;
  /** More than one tenant is on the page: each row says whose it is. */
  isMixed: boolean;
}

export function scopeOf(all: readonly Tenant[], id: string | undefined): Scope {
  const tenants = all.toSorted((a, b) => byName(a.name, b.name));
  const tenant = tenants.length > 1 ? (tenants.find((one) => one.id === id) ?? null) : null;
  return { tenants, tenant, isMixed: tenants.length > 1 && tenant === null };
}

export const ScopeContext = createContext<Scope>(scopeOf([], undefined));

export function useScope(): Scope {
  return useContext(ScopeContext);
}

/** The query of a list: narrowed where one tenant is chosen. */
export function narrowed({ tenant }: Scope): { tenant?: string } {
  return tenant ? { tenant: tenant.id } : {};
}

export function isInScope({ tenant }: Scope, row: { tenant: { id: string } }): boolean {
  return tenant === null || row.tenant.id === tenant.id;
}

/**
 * What `?tenant=` should be. A tenant that this person cannot see, or the only one they see, is no
 * choice; where a page is opened without one, the remembered choice stands in.
 */
export function settledTenant(
  tenants: readonly Tenant[], asked: string | undefined, remembered: string | null,
): string | undefined {
  return scopeOf(tenants, asked ?? remembered ?? undefined).tenant?.id;
}

const KEY = "farwatch.tenant";

export function rememberedTenant(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Null forgets it: all tenants, or another person signs in. */
export function rememberTenant(id: string | null): void {
  try {
    if (id === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, id);
  } catch {
    // Storage is closed to us; the choice lasts as long as the page.
  }
}
