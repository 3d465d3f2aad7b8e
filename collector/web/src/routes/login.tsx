import { createFileRoute } from "@tanstack/react-router";
import { LoginPage } from "../features/login/login-page";
import { FIRST_PAGE, nextSearch } from "../lib/own-page";

export const Route = createFileRoute("/login")({
  validateSearch: nextSearch,
  component: LoginRoute,
});

function LoginRoute() {
  const { next } = Route.useSearch();
  return <LoginPage next={next ?? FIRST_PAGE} />;
}
