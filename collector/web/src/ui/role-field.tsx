import { mayBy, type Role, ROLES } from "../lib/role";
import { RadioCards } from "./radio-cards";

interface Props {
  value: Role;
  onChange: (role: Role) => void;
  /** The role of who gives it: nobody gives more than they have. */
  giver: string;
  error?: string | undefined;
}

/** A role within one tenant, and what it means. */
export function RoleField({ value, onChange, giver, error }: Props) {
  const may = mayBy(giver);
  const roles = (Object.keys(ROLES) as Role[]).filter((role) => {
    const gives = ROLES[role].may;
    return (may.provider || !gives.provider) && (may.admin || !gives.admin) && (may.write || !gives.write);
  });
  return (
    <RadioCards legend="Role" name="role" value={value} onChange={onChange} error={error}
      cards={roles.map((role) => ({ value: role, label: ROLES[role].word, note: ROLES[role].note }))} />
  );
}
