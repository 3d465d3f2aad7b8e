import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import type { Rule } from "../../lib/types";
import { Confirm } from "../../ui/confirm";
import { endedWords, useOpenOf } from "./open-of";
import { RULES } from "./rules";

export function RemoveRule({ rule, onClose, onGone }: { rule: Rule | null; onClose: () => void; onGone: () => void }) {
  const queries = useQueryClient();
  const ended = endedWords(useOpenOf(rule?.id));
  const remove = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/rules/{id}", { params: { path: { id } } })),
    onSuccess: () => {
      onGone();
      return queries.invalidateQueries({ queryKey: RULES });
    },
  });
  return (
    <Confirm open={rule !== null} title={`Remove «${rule?.name ?? ""}»?`} action="Remove the rule" busy={remove.isPending} error={remove.error}
      loses={["What it looks for is told no more", ...(ended ? [ended] : [])]}
      onOpenChange={(on) => {
        if (on) return;
        remove.reset();
        onClose();
      }}
      onConfirm={() => rule && remove.mutate(rule.id)}>
      Alerts that are over stay in the history. The rule itself cannot be brought back.
    </Confirm>
  );
}
