import { StateBadge } from "../../ui/state-badge";
import { TONE_TEXT } from "../alerts/tone";
import { type SiteStatus, siteState, siteWord } from "./rollup";

/** How a site is: the shape of its worst device, in the colour of what is to be done about it. */
export function SiteBadge({ site }: { site: SiteStatus }) {
  const state = siteState(site);
  if (!state) return <span className="text-muted">No devices</span>;
  return <StateBadge state={state} word={siteWord(site)} colour={TONE_TEXT[site.tone]} />;
}
