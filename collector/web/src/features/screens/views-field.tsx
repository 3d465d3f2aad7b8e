import { useKnownTags } from "../../lib/use-known-tags";
import type { ViewKind } from "../../lib/types";
import { Button, IconButton } from "../../ui/button";
import { INPUT } from "../../ui/field";
import { Icon } from "../../ui/icon";
import { Picker } from "../../ui/picker";
import { type DraftView, KIND_WORD, KINDS, raised, VIEWS_MAX, withView } from "./screen-draft";

const ALL = "all";
const CHOICES = KINDS.map((value) => ({ value, label: KIND_WORD[value].label, note: KIND_WORD[value].note }));

interface Props {
  views: readonly DraftView[];
  onChange: (views: readonly DraftView[]) => void;
  /** Those that the screen has. */
  tenants: readonly { id: string; name: string }[];
  error: string | undefined;
}

/** The views in the order in which they are shown. */
export function ViewsField({ views, onChange, tenants, error }: Props) {
  const known = useKnownTags();
  const change = (key: number, more: Partial<DraftView>) =>
    onChange(views.map((view) => (view.key === key ? { ...view, ...more } : view)));
  return (
    <fieldset className="flex flex-col gap-1.5" aria-describedby={error ? "screen-views-note" : undefined}>
      <legend className="mb-1 font-medium">Views, in turn</legend>
      <ol className="flex flex-col gap-1.5">
        {views.map((view, at) => {
          const { key, kind, tenant, tag } = view;
          const which = `view ${at + 1}`;
          return (
            <li key={key} data-view={kind} className="flex flex-wrap items-center gap-1.5 rounded-md border border-line bg-surface p-1.5">
              <span className="w-4 text-center text-xs text-muted">{at + 1}</span>
              <Picker className="w-28! flex-1" label={`Kind of ${which}`} value={kind} onChange={(next) => change(key, { kind: next as ViewKind })}
                choices={CHOICES} />
              {tenants.length > 1 && (
                <Picker className="w-28! flex-1" label={`Tenant of ${which}`} value={tenant || ALL}
                  onChange={(next) => change(key, { tenant: next === ALL ? "" : next })}
                  choices={[{ value: ALL, label: "All" }, ...tenants.map(({ id, name }) => ({ value: id, label: name }))]} />
              )}
              <input className={`${INPUT} w-24! flex-1`} aria-label={`Tag of ${which}`} placeholder="Any tag" list="screen-tags" value={tag}
                autoComplete="off" autoCapitalize="none" spellCheck={false} onChange={(event) => change(key, { tag: event.target.value })} />
              <IconButton label={`Move ${which} up`} disabled={at === 0} onClick={() => onChange(raised(views, key))}><Icon name="up" size={14} /></IconButton>
              <IconButton label={`Take ${which} away`} onClick={() => onChange(views.filter((one) => one !== view))}><Icon name="close" size={14} /></IconButton>
            </li>
          );
        })}
      </ol>
      <datalist id="screen-tags">{known.map((tag) => <option key={tag} value={tag}>{tag}</option>)}</datalist>
      <Button className="self-start" disabled={views.length >= VIEWS_MAX} onClick={() => onChange(withView({ views }))}>
        <Icon name="plus" size={14} /> Add a view
      </Button>
      {error && <p id="screen-views-note" data-field-error="views" className="text-xs text-down">{error}</p>}
    </fieldset>
  );
}
