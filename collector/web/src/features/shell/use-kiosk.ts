import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";

const route = getRouteApi("/_app");

/** The page alone, for a screen on the wall: the URL says so, so that it survives a reload. */
export function useKiosk(): [boolean, (on: boolean) => void] {
  const isKiosk = route.useSearch({ select: ({ kiosk }) => kiosk === 1 });
  const navigate = useNavigate();
  const set = useCallback((on: boolean) => {
    void navigate({ to: ".", search: (old) => ({ ...old, kiosk: on ? 1 : undefined }), replace: true });
  }, [navigate]);
  return [isKiosk, set];
}
