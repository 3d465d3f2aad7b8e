import { Link } from "@tanstack/react-router";
import type { RefObject } from "react";
import { roleWord } from "../../lib/role";
import { useScope } from "../../lib/scope";
import type { Me } from "../../lib/types";
import { Icon } from "../../ui/icon";
import { Popover } from "../../ui/popover";

interface Props {
  user: Me["user"];
  /** What it opens below, and where the focus goes back to. */
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
  onSignOut: () => void;
}

const ENTRY = "flex min-h-8 w-full items-center gap-2.5 rounded-md px-2.5 text-left hover:bg-selected phone:min-h-11";

/** Who is signed in, and what they can do about it. */
export function AccountMenu({ user, anchor, onClose, onSignOut }: Props) {
  const { tenants } = useScope();
  const [only] = tenants;
  const where = tenants.length > 1 ? `${tenants.length} tenants` : (only?.name ?? "no tenant");
  return (
    <Popover label="Your account" anchor={anchor} align="end" className="w-64" onClose={onClose}>
      <div className="mb-1.5 border-b border-line px-2.5 pt-1.5 pb-2.5">
        <p className="font-medium wrap-anywhere">{user.email}</p>
        <p className="text-xs text-muted">{roleWord(user.role)} · {where}</p>
      </div>
      <Link to="/settings/account" className={ENTRY} onClick={onClose}><Icon name="person" /> Account</Link>
      <button type="button" className={ENTRY} onClick={onSignOut}><Icon name="out" /> Sign out</button>
    </Popover>
  );
}
