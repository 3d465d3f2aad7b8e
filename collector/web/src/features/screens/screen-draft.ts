/** What somebody types of a screen, and what is sent of it. */
import type { Screen, ScreenBody, View, ViewKind } from "../../lib/types";

export const KINDS: readonly ViewKind[] = ["now", "sites", "fleet", "alerts"];

export const KIND_WORD: Readonly<Record<ViewKind, { label: string; note: string }>> = {
  now: { label: "Now", note: "what is wrong" },
  sites: { label: "Sites", note: "a tile for each" },
  fleet: { label: "Fleet", note: "a shape for each device" },
  alerts: { label: "Alerts", note: "the open ones" },
};

/** As the server has them. */
export const VIEWS_MAX = 20;
export const EVERY_S = { min: 5, max: 3600, usual: 30 } as const;

/** One line of the list; the key is of this page only, so that lines can change places. */
export interface DraftView {
  key: number;
  kind: ViewKind;
  /** Empty: of all that the screen has. */
  tenant: string;
  tag: string;
}

export interface Draft {
  name: string;
  /** Null: all there are, also those that come. */
  tenants: readonly string[] | null;
  views: readonly DraftView[];
  every: string;
}

function viewOf({ kind, tenant, tag }: View, key: number): DraftView {
  return { key, kind, tenant: tenant ?? "", tag: tag ?? "" };
}

/** Of a new screen: the views that most walls want. `tenants` as in the draft. */
export function firstDraft(tenants: readonly string[] | null): Draft {
  const views = (["now", "sites", "fleet"] as const).map((kind, key) => viewOf({ kind }, key));
  return { name: "", tenants, views, every: String(EVERY_S.usual) };
}

export function draftOf({ name, tenants, views, every_s }: Screen): Draft {
  return { name, tenants: tenants && tenants.map(({ id }) => id), views: views.map(viewOf), every: String(every_s) };
}

export function withView({ views }: Pick<Draft, "views">): DraftView[] {
  const kind = KINDS.find((one) => views.every((view) => view.kind !== one)) ?? "now";
  return [...views, { key: Math.max(-1, ...views.map(({ key }) => key)) + 1, kind, tenant: "", tag: "" }];
}

/** One place up, to the top at most. */
export function raised(views: readonly DraftView[], key: number): readonly DraftView[] {
  const at = views.findIndex((view) => view.key === key);
  const [above, own] = [views[at - 1], views[at]];
  return above && own ? views.with(at - 1, own).with(at, above) : views;
}

export type Wrong = Readonly<Partial<Record<"name" | "tenants" | "views" | "every_s", string>>>;

/** What is wrong before it is sent. */
export function wrongOf({ name, tenants, views, every }: Draft): Wrong {
  const seconds = Number(every);
  return {
    ...(name.trim() === "" ? { name: "Give it a name, such as where it hangs." } : {}),
    ...(tenants?.length === 0 ? { tenants: "Choose at least one." } : {}),
    ...(views.length === 0 ? { views: "Add at least one view." } : {}),
    ...(Number.isInteger(seconds) && seconds >= EVERY_S.min && seconds <= EVERY_S.max
      ? {} : { every_s: `A whole number of seconds, ${EVERY_S.min} to ${EVERY_S.max}.` }),
  };
}

export function bodyOf({ name, tenants, views, every }: Draft): ScreenBody {
  // A view of a tenant that the screen has no more shows all that it has.
  const isThere = (id: string) => id !== "" && (tenants === null || tenants.includes(id));
  return {
    name: name.trim(),
    tenants: tenants && [...tenants],
    every_s: Number(every),
    views: views.map(({ kind, tenant, tag }) => ({ kind, tenant: isThere(tenant) ? tenant : null, tag: tag.trim() || null })),
  };
}

/** «Now, Sites of Alpine, Fleet tagged core». */
export function viewWords(views: readonly View[], nameOf: (tenant: string) => string): string {
  return views.map(({ kind, tenant, tag }) =>
    [KIND_WORD[kind].label, tenant ? `of ${nameOf(tenant)}` : "", tag ? `tagged ${tag}` : ""].filter(Boolean).join(" ")).join(", ");
}
