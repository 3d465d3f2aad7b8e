import { expect, it } from "vitest";
import type { Person } from "../../lib/types";
import { askForFactor, isOpen, rightsOf, stateOf } from "./people";

const person = (more: Partial<Person>): Person => ({
  id: "usr_1", email: "a@x", super_admin: false, staff: false, disabled: false, totp: false,
  must_change_password: false, memberships: [], created_at: "2026-11-21T10:00:00Z", last_sign_in_at: null, ...more,
});
const operator = { id: "ten_1", name: "Alpine Fibre", role: "operator" as const };

it("says what somebody may do, and where, if there are several places", () => {
  expect(rightsOf(person({ memberships: [operator] }), true)).toBe("Operator of Alpine Fibre");
  expect(rightsOf(person({ memberships: [operator] }), false)).toBe("Operator");
  expect(rightsOf(person({ super_admin: true, memberships: [operator] }), true)).toBe("Everything, in all tenants");
});

it("says that staff see nothing by themselves", () => {
  expect(rightsOf(person({ staff: true }), true)).toBe("Nothing without provider access");
});

it("a disabled account is that before anything else", () => {
  expect(stateOf(person({ disabled: true, must_change_password: true }))).toBe("disabled");
  expect(stateOf(person({ must_change_password: true }))).toBe("invited");
});

it("is loud of administrators without a second factor, and of nobody else", () => {
  const admin = { ...operator, role: "tenant_admin" as const };
  const is = (more: Partial<Person>) => isOpen(person(more));
  expect([is({ super_admin: true }), is({ memberships: [operator, admin] })]).toEqual([true, true]);
  expect([is({ super_admin: true, totp: true }), is({ super_admin: true, disabled: true }), is({ memberships: [operator] })]).toEqual([false, false, false]);
  expect(askForFactor({ email: "a+b@x" }, "https://noc.example")).toMatch(/^mailto:a%2Bb%40x\?subject=\S+&body=\S+noc\.example%2Fsettings%2Faccount/);
});
