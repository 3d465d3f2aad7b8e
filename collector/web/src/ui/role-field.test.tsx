import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { RoleField } from "./role-field";

it("offers no role above the giver's, and says what each means", () => {
  const onChange = vi.fn();
  render(<RoleField value="viewer" giver="tenant_admin" onChange={onChange} />);
  const radios = screen.getAllByRole("radio").map((radio) => (radio as HTMLInputElement).value);
  expect(radios).toEqual(["viewer", "operator", "tenant_admin"]);
  fireEvent.click(screen.getByRole("radio", { name: "Operator" }));
  expect(onChange).toHaveBeenCalledExactlyOnceWith("operator");
  expect(screen.getByText(/Changes nothing/)).toBeTruthy();
});
