import { type UseMutationResult } from "@tanstack/react-query";
import { useState } from "react";
import { useMay, useTenantsFor } from "../../lib/role";
import { spanWords } from "../../lib/span";
import type { Screen, ScreenBody } from "../../lib/types";
import { TextField } from "../../ui/field";
import { fieldErrors, Form } from "../../ui/form";
import { bodyOf, type Draft, draftOf, EVERY_S, firstDraft, wrongOf } from "./screen-draft";
import { TenantsField } from "./tenants-field";
import { ViewsField } from "./views-field";

const SHOWS = ["name", "tenants", "views", "every_s"] as const;
const UNSENT = new Error("Look at what is marked.");

interface Props {
  screen: Screen | null;
  save: Pick<UseMutationResult<unknown, Error, ScreenBody>, "mutate" | "error" | "isPending">;
  onCancel: () => void;
}

/** Where it hangs, whose network it shows, and what in turn. */
export function ScreenForm({ screen, save, onCancel }: Props) {
  const { provider } = useMay();
  // Who is in a tenant by provider access hands out nothing of it: it would outlive the access.
  const offered = useTenantsFor("admin").filter(({ granted_until: end }) => provider || !end);
  const [draft, setDraft] = useState(() => (screen ? draftOf(screen) : firstDraft(provider ? null : offered.map(({ id }) => id))));
  const [isTried, setTried] = useState(false);
  const wrong = wrongOf(draft);
  const isWrong = Object.keys(wrong).length > 0;
  const change = (more: Partial<Draft>) => setDraft({ ...draft, ...more });
  const fields = isTried && isWrong ? wrong : fieldErrors(save.error);
  const shown = draft.tenants === null ? offered : offered.filter(({ id }) => draft.tenants?.includes(id));
  return (
    <Form error={isTried && isWrong ? UNSENT : save.error} fields={fields} shows={SHOWS} busy={save.isPending} onCancel={onCancel}
      action={screen ? "Save" : "Make the wallboard"}
      onSubmit={() => {
        setTried(true);
        if (!isWrong) save.mutate(bodyOf(draft));
      }}>
      <TextField id="screen-name" label="Name" autoComplete="off" placeholder="Hall, ground floor" value={draft.name} error={fields["name"]}
        onChange={(event) => change({ name: event.target.value })} />
      <TenantsField value={draft.tenants} onChange={(tenants) => change({ tenants })} offered={offered} error={fields["tenants"]} />
      <ViewsField views={draft.views} onChange={(views) => change({ views })} tenants={shown} error={fields["views"]} />
      <TextField id="screen-every" label="Seconds for each view" inputMode="numeric" className="w-24!" value={draft.every} error={fields["every_s"]}
        hint={`${EVERY_S.min} s to ${spanWords(EVERY_S.max)}.`} onChange={(event) => change({ every: event.target.value })} />
    </Form>
  );
}
