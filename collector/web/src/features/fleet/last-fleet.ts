import { lastPlace } from "../../lib/last-place";

export const { last: lastFleet, remember: rememberFleet } = lastPlace({});
