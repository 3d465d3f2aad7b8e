import { lazy, Suspense, useRef, useState } from "react";
import { IconButton } from "./button";
import { Icon } from "./icon";

const MoreList = lazy(() => import("./more-list").then((m) => ({ default: m.MoreList })));

export interface MoreAct {
  label: string;
  onAct: () => void;
  /** It takes something away. */
  isDanger?: boolean;
}

/** What is done seldom, behind three dots: it neither crowds nor is hit by mistake. */
export function MoreMenu({ label, acts }: { label: string; acts: readonly MoreAct[] }) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  if (acts.length === 0) return null;
  return (
    <>
      <IconButton ref={button} label={label} aria-haspopup="dialog" aria-expanded={open} data-more onClick={() => setOpen(!open)}>
        <Icon name="more" size={20} />
      </IconButton>
      <Suspense>{open && <MoreList label={label} acts={acts} anchor={button} onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}
