import { useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useRef, useState } from "react";
import { shownView } from "../../lib/views";
import { useViews } from "../../lib/use-views";
import { useCommands } from "../../lib/use-commands";
import { toast } from "../../lib/toasts";
import { Button } from "../../ui/button";
import { Icon } from "../../ui/icon";

const ViewMenu = lazy(() => import("./view-menu").then((m) => ({ default: m.ViewMenu })));

async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.href);
    toast({ text: "The link to this view is copied." });
  } catch {
    // The clipboard needs https or loopback, and leave to write.
    toast({ text: `Copy it by hand: ${location.href}`, ms: 30_000 });
  }
}

/** The saved views of a list, in its head: the one that is shown by its name. */
export function SavedViews() {
  const { views } = useViews();
  const path = useRouterState({ select: ({ location }) => location.href });
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState<"menu" | "save" | null>(null);
  useCommands({ "view.save": () => setOpen("save"), "view.link": () => void copyLink() });
  const shown = shownView(views, path);
  return (
    <>
      <Button ref={button} aria-haspopup="dialog" aria-expanded={open !== null} data-views={shown?.name ?? ""} title="Saved views of this list"
        className={`max-w-44 min-w-0 px-2.5 phone:max-w-28 phone:min-w-11 ${shown ? "border-accent! bg-selected!" : ""}`} onClick={() => setOpen(open ? null : "menu")}>
        <span className={shown ? "text-accent" : "text-muted"}><Icon name="bookmark" size={14} /></span>
        <span className={shown ? "clip" : "clip phone:sr-only"}>{shown?.name ?? "Views"}</span>
        <span className="text-faint phone:hidden"><Icon name="chevron" size={14} /></span>
      </Button>
      <Suspense>
        {open && <ViewMenu path={path} isSaving={open === "save"} anchor={button} onCopy={() => void copyLink()} onClose={() => setOpen(null)} />}
      </Suspense>
    </>
  );
}
