import { createFileRoute } from "@tanstack/react-router";
import * as v from "valibot";
import { LoginPage } from "../features/login/login-page";

// Only a page of our own: a link must not send a person elsewhere, or here again.
const search = v.object({
  next: v.optional(v.fallback(v.pipe(v.string(), v.regex(/^\/(?![/\\]|login)/)), "/fleet")),
});

export const Route = createFileRoute("/login")({
  validateSearch: search,
  component: LoginRoute,
});

function LoginRoute() {
  const { next } = Route.useSearch();
  return <LoginPage next={next ?? "/fleet"} />;
}
