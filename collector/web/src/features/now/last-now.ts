import { lastPlace } from "../../lib/last-place";

export const { last: lastNow, remember: rememberNow } = lastPlace<object>({});
