import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { meQuery } from "../../lib/session";
import { useTitle } from "../../lib/use-title";
import { Empty } from "../../ui/empty";

/** Somebody may be let in at any moment, and no stream tells them. */
const LOOK_MS = 15_000;

/** In place of every page that shows a tenant, for who sees none. */
export function NoTenant() {
  const { data: me } = useQuery({ ...meQuery, refetchInterval: LOOK_MS });
  useTitle("No tenant", true);
  const link = "text-accent underline underline-offset-4";
  return (
    <Empty title="You see no tenant now">
      {me?.user.staff ? (
        <p>
          As one of the provider&rsquo;s staff you are let in for hours, for a reason. Ask an administrator of the
          provider or of the tenant for access; it opens here by itself. What you had stands under{" "}
          <Link to="/settings/provider-access" className={link}>Provider access</Link>.
        </p>
      ) : (
        <p>Your account has no role in any tenant. Ask an administrator of your tenant for one; it opens here by itself.</p>
      )}
    </Empty>
  );
}
