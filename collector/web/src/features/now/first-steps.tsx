import type { ReactNode } from "react";
import { useMayMake } from "../../lib/role";
import { useScope } from "../../lib/scope";
import { useSites } from "../../lib/use-sites";
import { Empty } from "../../ui/empty";
import { Icon } from "../../ui/icon";
import { SetupLink } from "../setup/setup-link";

const STEPS = [
  { id: "site", title: "Add a site", go: "Set up a site", note: "A place where an agent stands: a rooftop, a depot, a point of presence." },
  { id: "agent", title: "Enrol an agent there", go: "Enrol an agent", note: "It polls the equipment of the site and sends what it reads over one outgoing connection." },
  { id: "device", title: "Find its devices", go: "Find devices", note: "The agent scans its network; you adopt what it finds. The first values come within one interval." },
] as const;

/** Nothing is watched yet: one page leads through it, from where one is. */
export function FirstSteps({ agents }: { agents: number }) {
  const sites = useSites(useScope().tenant?.id ?? null);
  const may = useMayMake("write");
  if (!sites) return <div role="status" aria-label="Loading sites" />;
  if (!may) {
    return (
      <Empty title="Nothing is watched yet">
        <p>You may look, not change. Ask an operator of your tenant to add the first device.</p>
      </Empty>
    );
  }
  const next = agents > 0 ? 2 : sites.length > 0 ? 1 : 0;
  const [only] = sites.length === 1 ? sites : [];
  return (
    <Empty title="Nothing is watched yet">
      <p>Three steps, and one page goes the whole way with you.</p>
      <ol className="flex w-full flex-col gap-2" data-first-steps={STEPS[next].id}>
        {STEPS.map(({ id, title, go, note }, at) => (
          <Line key={id} number={at + 1} title={title} note={note} isDone={at < next} isNext={at === next}
            go={at === next ? <SetupLink {...(only ? { site: only.id } : {})}>{go}</SetupLink> : null} />
        ))}
      </ol>
    </Empty>
  );
}

function Line({ number, title, note, isDone, isNext, go }: {
  number: number; title: string; note: string; isDone: boolean; isNext: boolean; go: ReactNode;
}) {
  const ring = isDone ? "border-line text-up" : isNext ? "border-accent text-accent" : "border-line text-muted";
  return (
    <li className={`flex items-start gap-4 rounded-lg border px-4 py-3 ${isNext ? "border-accent bg-surface" : "border-line"}`} data-step-done={isDone || undefined}>
      <span aria-hidden="true" className={`inline-flex size-7 shrink-0 items-center justify-center rounded-full border font-medium ${ring}`}>
        {isDone ? <Icon name="check" size={14} /> : number}
      </span>
      <span className="flex min-w-0 flex-1 flex-col gap-0.5">
        <span className="font-medium text-text">{title}{isDone && <span className="sr-only">, done</span>}</span>
        <span>{note}</span>
        {go && <span className="mt-2">{go}</span>}
      </span>
    </li>
  );
}
