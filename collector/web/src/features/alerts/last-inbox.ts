import { lastPlace } from "../../lib/last-place";
import type { InboxSearch } from "./use-inbox";

export const { last: lastInbox, remember: rememberInbox } = lastPlace<InboxSearch>({});
