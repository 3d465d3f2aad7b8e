import { lazy, Suspense, useRef, useState } from "react";
import { roleWord } from "../../lib/role";
import { useMe } from "../../lib/use-person";
import { Button } from "../../ui/button";

const AccountMenu = lazy(() => import("./account-menu").then((m) => ({ default: m.AccountMenu })));

/** Says who is signed in; on the phone by the first letter alone. */
export function AccountButton({ onSignOut }: { onSignOut: () => void }) {
  const user = useMe()?.user;
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  if (!user) return null;
  return (
    <>
      <Button ref={button} look="quiet" data-account aria-haspopup="dialog" aria-expanded={open}
        title={`${user.email}, ${roleWord(user.role).toLowerCase()}`}
        className="max-w-56 min-w-0 px-1.5! phone:min-w-11" onClick={() => setOpen(!open)}>
        <span aria-hidden="true"
          className="inline-flex size-6 shrink-0 items-center justify-center rounded-full bg-accent-soft text-xs font-semibold text-accent uppercase">
          {user.email.slice(0, 1)}
        </span>
        <span className="sr-only">Account: </span>
        {/* Below this the health of the data needs the room. */}
        <span className="clip max-[1500px]:sr-only">{user.email}</span>
      </Button>
      <Suspense>
        {open && <AccountMenu user={user} anchor={button} onClose={() => setOpen(false)} onSignOut={onSignOut} />}
      </Suspense>
    </>
  );
}
