/** The tabs of a device, in the order of their keys; the first one stands in no URL. */
export const TABS = ["interfaces", "metrics", "events", "config"] as const;
export type Tab = (typeof TABS)[number] | "overview";

export const TAB_WORD: Readonly<Record<Tab, string>> = {
  overview: "Overview", interfaces: "Interfaces", metrics: "Metrics", events: "Events", config: "Config",
};
export const ALL_TABS: readonly Tab[] = ["overview", ...TABS];
