import type { ReactNode } from "react";
import { FieldFrame, INPUT, TextField } from "../../ui/field";
import { SecretField } from "../../ui/secret-field";
import type { LoginDraft } from "./login-draft";

interface Props {
  /** Before the ids of the fields. */
  id: string;
  draft: LoginDraft;
  onChange: (draft: LoginDraft) => void;
  /** What is wrong, by the server's names. */
  wrong: Readonly<Record<string, string>>;
  /** What a login that is left as it is means. */
  hint: ReactNode;
}

const ROWS = 4;

/** Who logs in by SSH: a user, and a password, a private key or both. */
export function LoginFields({ id, draft, onChange, wrong, hint }: Props) {
  const set = (change: Partial<LoginDraft>) => onChange({ ...draft, ...change });
  const key = wrong["login.private_key"];
  return (
    <fieldset className="flex flex-col gap-4">
      <legend className="sr-only">SSH login</legend>
      <TextField id={`${id}-login-user`} label="User" autoComplete="off" autoCapitalize="none" spellCheck={false} value={draft.user}
        error={wrong["login.user"] ?? wrong["login"]} hint={hint} onChange={(event) => set({ user: event.target.value })} />
      <SecretField id={`${id}-login-password`} label="Password" value={draft.password} error={wrong["login.password"]}
        onChange={(event) => set({ password: event.target.value })} />
      <FieldFrame id={`${id}-login-key`} label="Private key" error={key} hint="In place of a password or beside it: in OpenSSH's form or PEM, without a passphrase.">
        <textarea id={`${id}-login-key`} rows={ROWS} value={draft.key} autoComplete="off" autoCapitalize="none" spellCheck={false} data-1p-ignore
          placeholder="-----BEGIN OPENSSH PRIVATE KEY-----" aria-invalid={key ? true : undefined} aria-describedby={`${id}-login-key-note`}
          className={`${INPUT} h-auto! resize-y py-1.5 font-mono text-xs`} onChange={(event) => set({ key: event.target.value })} />
      </FieldFrame>
      <SecretField id={`${id}-login-enable`} label="Password for enable" value={draft.enable} error={wrong["login.enable"]}
        hint="Only where a device asks for another one before it shows its configuration." onChange={(event) => set({ enable: event.target.value })} />
    </fieldset>
  );
}
