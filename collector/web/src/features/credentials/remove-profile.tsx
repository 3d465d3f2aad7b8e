import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import type { CredentialProfile } from "../../lib/types";
import { Confirm } from "../../ui/confirm";
import { KIND_WORD } from "./about-words";
import { PROFILES } from "./profile-panel";
import { scopeWords } from "./profile-scope";

export function RemoveProfile({ profile, onClose }: { profile: CredentialProfile | null; onClose: () => void }) {
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/credential-profiles/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      onClose();
      // A device that takes it is asked with another one from now on.
      await Promise.all([PROFILES, ["device"], ["config"]].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
  return (
    <Confirm open={profile !== null} title={`Remove ${profile?.name ?? ""}?`} action="Remove profile" busy={remove.isPending}
      error={remove.error} loses={profile ? [`The ${KIND_WORD[profile.kind]} for ${scopeWords(profile)}`] : []}
      onOpenChange={(open) => {
        if (open) return;
        remove.reset();
        onClose();
      }}
      onConfirm={() => profile && remove.mutate(profile.id)}>
      {profile?.kind === "ssh_login"
        ? "Devices that took it take the next profile that fits; where none does, their configurations are not backed up any more. All versions stay."
        : "Devices that took it take the next profile that fits; where none does, SNMP asks them nothing any more; echo requests go on."}
    </Confirm>
  );
}
