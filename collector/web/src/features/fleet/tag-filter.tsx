import { lazy, Suspense, useRef, useState } from "react";
import { useKnownTags } from "../../lib/use-known-tags";
import { useScope } from "../../lib/scope";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";

const Chooser = lazy(() => import("../../ui/chooser").then((m) => ({ default: m.Chooser })));

const ANY = "";

/** Shows only devices with one tag. Not there while nothing is tagged. */
export function TagFilter({ tag, onChange }: { tag: string | undefined; onChange: (tag: string | undefined) => void }) {
  const known = useKnownTags(useScope().tenant?.id);
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  if (known.length === 0 && !tag) return null;
  return (
    <>
      <Button ref={button} data-tag-filter aria-haspopup="dialog" aria-expanded={open}
        className={`max-w-48 phone:max-w-28 phone:px-2 ${tag ? "border-accent! bg-selected!" : ""}`} onClick={() => setOpen(!open)}>
        <span className="clip">{tag ? `Tag: ${tag}` : "Any tag"}</span>
        <span className="text-faint"><Icon name="chevron" size={14} /></span>
      </Button>
      <Suspense>
        {open && (
          <Chooser label="Tag" anchor={button} value={tag ?? ANY} onClose={() => setOpen(false)}
            options={[{ value: ANY, label: "Any tag or none" }, ...known.map((one) => ({ value: one, label: one }))]}
            onChoose={(value) => {
              setOpen(false);
              onChange(value || undefined);
            }} />
        )}
      </Suspense>
    </>
  );
}
