import { useEffect } from "react";
import { useScope } from "./scope";

/** The title of the tab. Many tabs are open at a desk: a narrowed one says whose it is. */
export function useTitle(title: string | null, isOfOneThing = false): void {
  const { tenant } = useScope();
  const whose = tenant && !isOfOneThing ? ` · ${tenant.name}` : "";
  useEffect(() => {
    if (title) document.title = `${title}${whose} · Farwatch`;
  }, [title, whose]);
}
