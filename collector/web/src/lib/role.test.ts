import { expect, it } from "vitest";
import { mayBy } from "./role";

it.each([
  ["viewer", false, false],
  ["operator", true, false],
  ["tenant_admin", true, true],
  ["super_admin", true, true],
  ["a role of a later release", true, true],
  [undefined, false, false],
])("%s", (role, write, admin) => expect(mayBy(role)).toEqual({ write, admin }));
