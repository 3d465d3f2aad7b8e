import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type RefObject, useState } from "react";
import type { SavedView } from "../../lib/types";
import { changeViews, useViews, VIEWS } from "../../lib/use-views";
import { added, moved, nameWrong, removed, renamed, saveWrong, shownView, viewsOf } from "../../lib/views";
import { Button, IconButton } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { Popover } from "../../ui/popover";
import { NameForm } from "./name-form";

interface Props {
  /** What the page shows, with its search. */
  path: string;
  /** Opened to save it. */
  isSaving: boolean;
  anchor: RefObject<HTMLElement | null>;
  onCopy: () => void;
  onClose: () => void;
}

const ENTRY = "flex min-h-8 min-w-0 flex-1 items-center gap-2.5 rounded-md px-2.5 text-left hover:bg-selected phone:min-h-11";

/** The views of a list: to show one, and to keep the present one. */
export function ViewMenu({ path, isSaving, anchor, onCopy, onClose }: Props) {
  const { views, error } = useViews();
  const queries = useQueryClient();
  const save = useMutation({ mutationFn: changeViews, onSuccess: (all) => queries.setQueryData(VIEWS, all) });
  const [named, setNamed] = useState<SavedView | "new" | null>(isSaving ? "new" : null);
  const here = viewsOf(views, path);
  const shown = shownView(views, path);
  const put = (change: (all: readonly SavedView[]) => readonly SavedView[]) => save.mutate(change, { onSuccess: () => setNamed(null) });
  if (named !== null) {
    const was = named === "new" ? undefined : named.name;
    return (
      <Popover label="Name of the view" anchor={anchor} align="start" className="w-80 p-3!" onClose={onClose}>
        <NameForm was={was} busy={save.isPending} error={save.error} wrongOf={(name) => nameWrong(views, name, was) ?? (was ? null : saveWrong(views, path))}
          onCancel={() => (isSaving ? onClose() : setNamed(null))}
          onName={(name) => put((all) => (was === undefined ? added(all, name, path) : renamed(all, was, name)))} />
      </Popover>
    );
  }
  return (
    <Popover label="Saved views" anchor={anchor} align="start" className="w-80" onClose={onClose}>
      {here.length === 0 && !error && (
        <p className="px-2.5 py-1.5 text-muted">A view is this list as it is now: what it is filtered by, its order, its columns. Save it to come back by one click.</p>
      )}
      {error && <ErrorNote error={error} className="m-1" />}
      <ul aria-label="Views of this list" className="max-h-80 overflow-y-auto">
        {here.map((view) => (
          <li key={view.name} className="flex items-center" data-view={view.name}>
            <Link to={view.path} className={`${ENTRY} ${view === shown ? "text-accent" : ""}`} aria-current={view === shown ? "true" : undefined} onClick={onClose}>
              <span className="clip">{view.name}</span>{view === shown && <Icon name="check" size={14} />}
            </Link>
            {view !== shown && (
              <IconButton label={`Update ${view.name}: let it show what you see now`} onClick={() => put((all) => moved(all, view.name, path))}><Icon name="save" size={14} /></IconButton>
            )}
            <IconButton label={`Rename ${view.name}`} onClick={() => setNamed(view)}><Icon name="edit" size={14} /></IconButton>
            <IconButton label={`Remove ${view.name}`} onClick={() => put((all) => removed(all, view.name))}><Icon name="trash" size={14} /></IconButton>
          </li>
        ))}
      </ul>
      {save.error && <ErrorNote error={save.error} className="m-1" />}
      <div className="mt-1 flex gap-1.5 border-t border-line px-1 pt-1.5">
        <Button look="solid" className="flex-1" disabled={shown !== undefined || save.isPending} data-save-view onClick={() => setNamed("new")}>
          {shown ? "Saved" : "Save this view…"}
        </Button>
        <Button onClick={onCopy}><Icon name="copy" size={14} /> Copy link</Button>
      </div>
    </Popover>
  );
}
