import { lazy, type ReactNode, Suspense, useState } from "react";
import { useMayMake } from "../../lib/role";
import { useScope } from "../../lib/scope";
import { useSites } from "../../lib/use-sites";
import { Button } from "../../ui/button";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { SetupLink } from "../setup/setup-link";

const NameSite = lazy(() => import("../sites/change-site").then((m) => ({ default: m.NameSite })));
const NewAgent = lazy(() => import("../agents/new-agent").then((m) => ({ default: m.NewAgent })));
const AddDevice = lazy(() => import("../fleet/add-device").then((m) => ({ default: m.AddDevice })));

type Step = "site" | "agent" | "device";

/** Nothing is watched yet: what comes first, and what then. */
export function FirstSteps({ agents }: { agents: number }) {
  const sites = useSites(useScope().tenant?.id ?? null);
  const may = useMayMake("write");
  const [doing, setDoing] = useState<Step | null>(null);
  if (!sites) return <div role="status" aria-label="Loading sites" />;
  if (!may) {
    return (
      <Empty title="Nothing is watched yet">
        <p>You may look, not change. Ask an operator of your tenant to add the first device.</p>
      </Empty>
    );
  }
  const next: Step = agents > 0 ? "device" : sites.length > 0 ? "agent" : "site";
  const close = () => setDoing(null);
  return (
    <Empty title="Nothing is watched yet">
      <p>One page goes the whole way with you: the site, its agent, what it finds there. Or take the steps one by one.</p>
      <SetupLink />
      <ol className="flex w-full flex-col gap-2" data-first-steps={next}>
        <Line number={1} title="Add a site" isDone={next !== "site"} isNext={next === "site"} action="New site" onAct={() => setDoing("site")}>
          A place where an agent stands: a rooftop, a depot, a point of presence.
        </Line>
        <Line number={2} title="Enrol an agent there" isDone={next === "device"} isNext={next === "agent"} action="New agent" onAct={() => setDoing("agent")}>
          It polls the equipment of the site and sends what it reads over one outgoing connection.
        </Line>
        <Line number={3} title="Add devices" isDone={false} isNext={next === "device"} action="Add device" onAct={() => setDoing("device")}>
          Routers and switches: an address and a credential that may read. The first values come within one interval.
        </Line>
      </ol>
      <Suspense>
        {doing === "site" && <NameSite site={null} onClose={close} />}
        {doing === "agent" && <NewAgent open onOpenChange={(open) => open || close()} />}
        {doing === "device" && <AddDevice open onOpenChange={(open) => open || close()} />}
      </Suspense>
    </Empty>
  );
}

function Line({ number, title, isDone, isNext, action, onAct, children }: {
  number: number; title: string; isDone: boolean; isNext: boolean; action: string; onAct: () => void; children: ReactNode;
}) {
  return (
    <li className={`flex items-center gap-4 rounded-lg border px-4 py-3 ${isNext ? "border-accent bg-surface" : "border-line"}`} data-step-done={isDone || undefined}>
      <span aria-hidden="true" className={`inline-flex size-7 shrink-0 items-center justify-center rounded-full border font-medium ${isDone ? "border-line text-up" : isNext ? "border-accent text-accent" : "border-line text-muted"}`}>
        {isDone ? <Icon name="check" size={14} /> : number}
      </span>
      <span className="min-w-0 flex-1">
        <span className="block font-medium text-text">{title}{isDone && <span className="sr-only">, done</span>}</span>
        <span className="block">{children}</span>
      </span>
      {isNext && <Button onClick={onAct}>{action}</Button>}
    </li>
  );
}
