import { lastPlace } from "../../lib/last-place";
import type { FleetSearch } from "./use-fleet";

export const { last: lastFleet, remember: rememberFleet } = lastPlace<FleetSearch>({});
