import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { serverNow } from "../../lib/clock";
import { useEachSecond } from "../../lib/live-app";
import { useMayIn } from "../../lib/role";
import type { Alert } from "../../lib/types";
import { Icon } from "../../ui/icon";
import { isUnheard } from "./unheard";
import { deliveriesQuery } from "./use-alert-detail";

/** Under the head of an alert that nobody was told of: at night that matters more than why it fired. */
export function NobodyTold({ alert }: { alert: Alert }) {
  const { data } = useQuery(deliveriesQuery(alert));
  const isOurs = useEachSecond(() => isUnheard(alert, serverNow()));
  const { admin } = useMayIn()(alert.tenant.id);
  if (!isOurs || data?.length !== 0) return null;
  return (
    <p role="note" data-nobody-told className="flex items-center gap-2 rounded-md bg-degraded-soft px-3 py-1.5">
      <span className="text-degraded"><Icon name="warn" size={14} /></span>
      <span>
        <span className="font-medium">Nobody was told.</span> No route leads from it to a channel.
        {admin && <>{" "}<Link to="/settings/notifications" className="text-accent underline underline-offset-4">Set up notifications</Link></>}
      </span>
    </p>
  );
}
