import type { ReactNode } from "react";
import type { SnmpAuth, SnmpPrivacy, SnmpVersion } from "../../lib/types";
import { FieldFrame, TextField } from "../../ui/field";
import { type Choice, Picker } from "../../ui/picker";
import { SecretField } from "../../ui/secret-field";
import type { SnmpDraft } from "./snmp-draft";
import { AUTH_WORD, isV3, PRIVACY_WORD } from "./snmp-words";

const OLD = "old and weak";
const WEAK: ReadonlySet<string> = new Set(["md5", "sha1", "des"]);

function choices<V extends string>(words: Readonly<Record<V, string>>): Choice[] {
  return Object.entries<string>(words).map(([value, label]) => (WEAK.has(value) ? { value, label, note: OLD } : { value, label }));
}

const AUTHS = choices(AUTH_WORD);
const PRIVACIES = choices(PRIVACY_WORD);
export const VERSIONS: readonly Choice[] = [
  { value: "v2c", label: "v2c" }, { value: "v3", label: "v3", note: "with passwords" }, { value: "v1", label: "v1", note: "old devices" },
];

interface Props {
  /** Before the ids of the fields. */
  id: string;
  draft: SnmpDraft;
  onChange: (draft: SnmpDraft) => void;
  /** What is wrong, by the server's names. */
  wrong: Readonly<Record<string, string>>;
  /** Empty: the version stays as it is. */
  versions?: readonly Choice[];
  versionLabel?: string;
  /** What an empty credential means. */
  hint: ReactNode;
}

/** What a device is asked with: a community, or a user of SNMPv3. */
export function SnmpFields({ id, draft, onChange, wrong, versions = VERSIONS, versionLabel = "SNMP", hint }: Props) {
  const set = (change: Partial<SnmpDraft>) => onChange({ ...draft, ...change });
  return (
    <fieldset className="flex flex-col gap-4">
      <legend className="sr-only">SNMP credential</legend>
      {versions.length > 0 && (
        <FieldFrame id={`${id}-version`} label={versionLabel} error={wrong["version"]}>
          <Picker id={`${id}-version`} label={`${versionLabel} version`} value={draft.version} choices={versions} invalid={!!wrong["version"]}
            onChange={(version) => set({ version: version as SnmpVersion })} />
        </FieldFrame>
      )}
      {isV3(draft.version) ? (
        <UserFields id={id} draft={draft} set={set} wrong={wrong} hint={hint} />
      ) : (
        <SecretField id={`${id}-community`} label="Community" value={draft.community} error={wrong["community"]} hint={hint}
          onChange={(event) => set({ community: event.target.value })} />
      )}
    </fieldset>
  );
}

function UserFields({ id, draft, set, wrong, hint }: Pick<Props, "id" | "draft" | "wrong" | "hint"> & {
  set: (change: Partial<SnmpDraft>) => void;
}) {
  const isAuth = draft.auth !== "none";
  return (
    <>
      <TextField id={`${id}-user`} label="User" autoComplete="off" autoCapitalize="none" spellCheck={false} value={draft.name}
        error={wrong["user.name"] ?? wrong["user"]} hint={hint} onChange={(event) => set({ name: event.target.value })} />
      <div className="grid grid-cols-[136px_1fr] gap-3">
        <FieldFrame id={`${id}-auth`} label="Authentication" error={wrong["user.auth"]}>
          <Picker id={`${id}-auth`} label="Authentication" value={draft.auth} choices={AUTHS} invalid={!!wrong["user.auth"]}
            onChange={(auth) => set({ auth: auth as SnmpAuth })} />
        </FieldFrame>
        {isAuth && (
          <SecretField id={`${id}-auth-password`} label="Authentication password" value={draft.authPassword} hint="8 characters or more."
            error={wrong["user.auth_password"]} onChange={(event) => set({ authPassword: event.target.value })} />
        )}
      </div>
      {isAuth ? (
        <div className="grid grid-cols-[136px_1fr] gap-3">
          <FieldFrame id={`${id}-privacy`} label="Privacy" error={wrong["user.privacy"]}>
            <Picker id={`${id}-privacy`} label="Privacy" value={draft.privacy} choices={PRIVACIES} invalid={!!wrong["user.privacy"]}
              onChange={(privacy) => set({ privacy: privacy as SnmpPrivacy })} />
          </FieldFrame>
          {draft.privacy !== "none" && (
            <SecretField id={`${id}-privacy-password`} label="Privacy password" value={draft.privacyPassword} hint="8 characters or more."
              error={wrong["user.privacy_password"]} onChange={(event) => set({ privacyPassword: event.target.value })} />
          )}
        </div>
      ) : <p className="text-xs text-muted">Without authentication there is no privacy either: everybody on the way reads it.</p>}
      <TextField id={`${id}-context`} label="Context" autoComplete="off" autoCapitalize="none" spellCheck={false} value={draft.context}
        placeholder="none" error={wrong["user.context"]} hint="Few devices have one." onChange={(event) => set({ context: event.target.value })} />
    </>
  );
}
