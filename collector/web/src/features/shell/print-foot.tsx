import { serverNow } from "../../lib/clock";
import { dateTime } from "../../lib/format";
import { useEachSecond } from "../../lib/live-app";
import { useMe } from "../../lib/use-person";

/** Below a page on paper: where it is from, when, and who printed it. Not there on the screen. */
export function PrintFoot() {
  const me = useMe();
  const at = useEachSecond(() => dateTime(serverNow()));
  return (
    <p className="mt-6 hidden border-t border-line px-4 pt-2 text-xs wrap-anywhere text-muted print:block" data-print-foot>
      {location.href} · printed {at}{me?.user && ` by ${me.user.email}`}
    </p>
  );
}
