import { lastPlace } from "../../lib/last-place";
import type { SitesSearch } from "./use-site-list";

export const { last: lastSites, remember: rememberSites } = lastPlace<SitesSearch>({});
