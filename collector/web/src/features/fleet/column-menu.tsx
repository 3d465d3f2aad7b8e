import { lazy, Suspense, useRef, useState } from "react";
import { IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";

const ColumnList = lazy(() => import("./column-list").then((m) => ({ default: m.ColumnList })));

/** Which columns the table has; a phone has cards. */
export function ColumnMenu({ cols, isMixed, onChange }: { cols: string | undefined; isMixed: boolean; onChange: (cols: string | undefined) => void }) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <span className="phone:hidden">
      <IconButton ref={button} label="Columns" aria-haspopup="dialog" aria-expanded={open} data-columns onClick={() => setOpen(!open)}
        className={cols === undefined ? "" : "bg-selected text-accent!"}>
        <Icon name="columns" />
      </IconButton>
      <Suspense>
        {open && <ColumnList cols={cols} isMixed={isMixed} anchor={button} onChange={onChange} onClose={() => setOpen(false)} />}
      </Suspense>
    </span>
  );
}
