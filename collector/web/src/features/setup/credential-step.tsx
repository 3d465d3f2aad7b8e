import { useState } from "react";
import { counted } from "../../lib/format";
import type { CredentialProfile } from "../../lib/types";
import { Button } from "../../ui/button";
import { ErrorNote } from "../../ui/error-note";
import { Icon } from "../../ui/icon";
import { aboutWords } from "../credentials/about-words";
import { type OpenedProfile, ProfilePanel } from "../credentials/profile-panel";
import { scopeWords } from "../credentials/profile-scope";

interface Props {
  tenant: string;
  /** Those that a scan tries; undefined while they are not known. */
  profiles: readonly CredentialProfile[] | undefined;
  error: Error | null;
  onRetry: () => void;
  /** They were tried: their names are enough. */
  isTried: boolean;
}

/** What one scan tries at most. */
const TRIED_MAX = 16;

/** The credentials that devices are asked with. */
export function CredentialStep({ tenant, profiles, error, onRetry, isTried }: Props) {
  const [opened, setOpened] = useState<OpenedProfile>(null);
  const isEmpty = profiles?.length === 0;
  const panel = <ProfilePanel opened={opened} onClose={() => setOpened(null)} />;
  if (isTried && profiles && !isEmpty) {
    return (
      <p className="flex flex-wrap items-center gap-x-3 text-muted">
        {profiles.slice(0, TRIED_MAX).map(({ id, name }) => <span key={id} data-profile={id}>{name}</span>)}
        <Button look="quiet" className="h-7 phone:-ml-3" onClick={() => setOpened({ profile: null, tenant })}>New profile</Button>
        {panel}
      </p>
    );
  }
  return (
    <>
      {error && <ErrorNote error={error} onRetry={onRetry} />}
      {isEmpty && (
        <p className="max-w-[62ch] text-muted">
          Routers and switches tell who they are over SNMP, to who knows a community or a user. Make a profile of the one that
          is in use here: it is stored sealed, and the agent tries it. Without one a scan finds only what answers echo requests.
        </p>
      )}
      {profiles && profiles.length > 0 && (
        <ul aria-label="Profiles that are tried" className="m-0 flex max-w-[620px] list-none flex-col p-0">
          {profiles.slice(0, TRIED_MAX).map((profile) => (
            <li key={profile.id} className="flex flex-wrap gap-x-3 border-b border-line py-1.5 last:border-b-0" data-profile={profile.id}>
              <span className="font-medium">{profile.name}</span>
              <span className="text-muted">{aboutWords(profile)} · for {scopeWords(profile)}</span>
            </li>
          ))}
        </ul>
      )}
      {profiles && profiles.length > TRIED_MAX && (
        <p className="text-xs text-muted">A scan tries {TRIED_MAX} at most; {counted(profiles.length - TRIED_MAX, "profile")} of this site stand back.</p>
      )}
      <Button look={isEmpty ? "solid" : "plain"} className="self-start" onClick={() => setOpened({ profile: null, tenant })}>
        <Icon name="plus" size={14} /> New profile
      </Button>
      {panel}
    </>
  );
}
