import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { ApiError } from "../lib/api";
import { TextField } from "./field";
import { fieldErrors, Form } from "./form";

function show(error: Error | null) {
  const fields = fieldErrors(error);
  render(
    <Form onSubmit={() => {}} error={error} shows={["name", "site"]} action="Save" busy={false} onCancel={() => {}}>
      <TextField name="name" label="Name" error={fields["name"]} />
      <TextField name="site" label="Site" error={fields["site"]} />
    </Form>,
  );
}
const problem = (field: string) =>
  new ApiError({ code: "invalid", detail: "Not as it should be.", errors: [{ field, message: "Too long." }] }, 422, null);

afterEach(cleanup);

it("leads to the first wrong field", () => {
  show(problem("site"));
  expect(document.activeElement).toBe(screen.getByLabelText("Site"));
  expect(screen.getByRole("alert").textContent).toContain("Too long.");
});

it("shows at its field what names nothing that is here, a 404 with errors", () => {
  const errors = [{ field: "site", message: "names nothing that is here" }];
  show(new ApiError({ code: "not_found", detail: "There is no such site here.", errors }, 404, null));
  expect(document.activeElement).toBe(screen.getByLabelText("Site"));
  expect(screen.queryByText("There is no such site here.")).toBeNull();
});

it("tells below what belongs to no field of it", () => {
  show(problem("quota"));
  expect(screen.getByRole("alert").textContent).toBe("Too long.");
});

it("tells below what belongs to no field of it beside what belongs to one", () => {
  const errors = [{ field: "site", message: "Too long." }, { field: "quota", message: "None is left." }];
  show(new ApiError({ code: "invalid", detail: "Not as it should be.", errors }, 422, null));
  expect(screen.getByText("None is left.")).toBeTruthy();
  expect(document.activeElement).toBe(screen.getByLabelText("Site"));
});
