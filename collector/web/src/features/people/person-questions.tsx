import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../lib/api";
import type { Person } from "../../lib/types";
import { Confirm } from "../../ui/confirm";
import { PEOPLE } from "./people";

export type PersonQuestion = "disable" | "enable" | "remove" | "password" | "totp" | "raise" | "lower";

interface Words {
  title: (email: string) => string;
  text: string;
  action: string;
  loses?: readonly string[];
  isMild?: boolean;
}

const WORDS: Readonly<Record<PersonQuestion, Words>> = {
  disable: {
    title: (email) => `Disable ${email}?`, action: "Disable",
    text: "They are signed out everywhere at once and cannot sign in. Their roles stay for when you enable them again.",
  },
  remove: {
    title: (email) => `Remove ${email}?`, action: "Remove",
    text: "Their account is gone for good. What they did stays in the audit, with their name.",
    loses: ["Their sessions and roles", "The provider access that they have or had", "The API keys that they made"],
  },
  enable: {
    title: (email) => `Enable ${email}?`, action: "Enable", isMild: true,
    text: "They may sign in again, with the password and the roles that they had.",
  },
  password: {
    title: (email) => `Make a new password for ${email}?`, action: "Make it",
    text: "You are shown a one-time password for them; they choose their own when they sign in.",
    loses: ["Their present password", "All their sessions"],
  },
  totp: {
    title: (email) => `Remove the second factor of ${email}?`, action: "Remove it",
    text: "For who has lost the authenticator and the recovery codes. Be sure that it is they who ask: then the password alone opens the account.",
  },
  raise: {
    title: (email) => `Make ${email} a provider administrator?`, action: "Give all rights",
    text: "They see and change everything of every tenant, and make others administrators.",
  },
  lower: {
    title: (email) => `Take the provider's rights from ${email}?`, action: "Take them",
    text: "They keep what roles they have in tenants.",
  },
};

function run(id: string, question: PersonQuestion): Promise<string | null> {
  const params = { params: { path: { id } } };
  const patch = async (body: { disabled?: boolean; super_admin?: boolean }) => {
    await take(api.PATCH("/api/v1/users/{id}", { ...params, body }));
    return null;
  };
  switch (question) {
    case "disable": return patch({ disabled: true });
    case "enable": return patch({ disabled: false });
    case "raise": return patch({ super_admin: true });
    case "lower": return patch({ super_admin: false });
    case "remove": return take(api.DELETE("/api/v1/users/{id}", params)).then(() => null);
    case "totp": return take(api.DELETE("/api/v1/users/{id}/totp", params)).then(() => null);
    case "password":
      return take(api.POST("/api/v1/users/{id}/password", params)).then(({ data }) => data.one_time_password);
  }
}

interface Props {
  person: Person;
  question: PersonQuestion | null;
  onClose: () => void;
  onPassword: (password: string) => void;
}

/** Asks before what takes something from somebody, or gives them a great deal. */
export function AskPerson({ person, question, onClose, onPassword }: Props) {
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: (asked: PersonQuestion) => run(person.id, asked),
    onSuccess: async (password) => {
      onClose();
      if (password !== null) onPassword(password);
      await queries.invalidateQueries({ queryKey: PEOPLE });
    },
  });
  const words = question && WORDS[question];
  return (
    <Confirm open={words !== null} title={words?.title(person.email) ?? ""} action={words?.action ?? ""}
      isMild={words?.isMild ?? false}
      {...(words?.loses ? { loses: words.loses } : {})}
      busy={act.isPending} error={act.error}
      onOpenChange={(open) => {
        if (open) return;
        act.reset();
        onClose();
      }}
      onConfirm={() => question && act.mutate(question)}>
      {words?.text}
    </Confirm>
  );
}
