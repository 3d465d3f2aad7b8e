import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, take } from "../../lib/api";
import { useMay } from "../../lib/role";
import type { Person } from "../../lib/types";
import { useMe } from "../../lib/use-person";
import { Button } from "../../ui/button";
import { CheckField } from "../../ui/check-field";
import { ErrorNote } from "../../ui/error-note";
import { Part } from "../../ui/part";
import { SecretOnce } from "../../ui/secret-once";
import { SidePanel } from "../../ui/side-panel";
import { Memberships } from "./memberships";
import { PEOPLE } from "./people";
import { AskPerson, type PersonQuestion } from "./person-questions";

/** All that can be changed of somebody. */
export function PersonPanel({ person, onClose }: { person: Person | null; onClose: () => void }) {
  const [password, setPassword] = useState<string | null>(null);
  const close = () => {
    setPassword(null);
    onClose();
  };
  return (
    <SidePanel open={person !== null} onOpenChange={(open) => open || close()} held={password !== null}
      title={person?.email ?? ""}
      description={password === null ? "Changes count at once, for their open pages too." : "A new one-time password."}>
      {person && (password === null
        ? <Parts person={person} onPassword={setPassword} />
        : <SecretOnce what="one-time password" text={password} onDone={close}
            note="Give it to them by a way that you trust. They were signed out everywhere, and choose their own at the next sign-in." />)}
    </SidePanel>
  );
}

function Parts({ person, onPassword }: { person: Person; onPassword: (password: string) => void }) {
  const may = useMay();
  const me = useMe()?.user.id;
  const [asking, setAsking] = useState<PersonQuestion | null>(null);
  const isMe = person.id === me;
  return (
    <div className="flex flex-col gap-6">
      {!person.super_admin && <Memberships person={person} />}
      {may.provider && <OfProvider person={person} isMe={isMe} onAsk={setAsking} />}
      {may.admin && !isMe && (
        <Part title="Account">
          {may.provider && (
            <Line text={person.disabled ? "Disabled: cannot sign in." : "May sign in."}>
              <span className="flex gap-2">
                <Button onClick={() => setAsking(person.disabled ? "enable" : "disable")}>
                  {person.disabled ? "Enable" : "Disable"}
                </Button>
                <Button onClick={() => setAsking("remove")}>Remove…</Button>
              </span>
            </Line>
          )}
          <Line text={person.must_change_password ? "Has a one-time password." : "Has chosen a password."}>
            <Button onClick={() => setAsking("password")}>New password</Button>
          </Line>
          <Line text={person.totp ? "Signs in with a second factor." : "No second factor."}>
            {may.provider && person.totp && <Button onClick={() => setAsking("totp")}>Remove</Button>}
          </Line>
        </Part>
      )}
      {isMe && <p className="text-muted">This is you: your password and second factor are on the page «You and this browser».</p>}
      <AskPerson person={person} question={asking} onClose={() => setAsking(null)} onPassword={onPassword} />
    </div>
  );
}

function OfProvider({ person, isMe, onAsk }: {
  person: Person; isMe: boolean; onAsk: (question: PersonQuestion) => void;
}) {
  const queries = useQueryClient();
  const staff = useMutation({
    mutationFn: (on: boolean) =>
      take(api.PATCH("/api/v1/users/{id}", { params: { path: { id: person.id } }, body: { staff: on } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: PEOPLE }),
  });
  return (
    <Part title="At the provider">
      <CheckField label="Staff" hint="May be given provider access to tenants, for hours." disabled={staff.isPending}
        checked={staff.isPending ? staff.variables : person.staff === true} onChange={(on) => staff.mutate(on)} />
      <CheckField label="Provider administrator" hint="All of all tenants, and of this collector." disabled={isMe}
        checked={person.super_admin === true} onChange={(on) => onAsk(on ? "raise" : "lower")} />
      {staff.error && <ErrorNote error={staff.error} />}
    </Part>
  );
}

function Line({ text, children }: { text: string; children: ReactNode }) {
  return (
    <div className="flex min-h-9 items-center justify-between gap-3">
      <span>{text}</span>
      {children}
    </div>
  );
}
