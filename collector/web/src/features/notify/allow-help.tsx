import { allowLines, type Place } from "./allow";
import { CodeBlock } from "./code-block";
import type { ChannelKind } from "./types";

/** Lines for the file of the collector, for whoever runs it. */
export function AllowHelp({ kind, place }: { kind: ChannelKind; place: Place }) {
  return <CodeBlock label="For the collector's file" text={allowLines(kind, place)} />;
}

/** Below a form whose target was refused: why, and who can change that. */
export function RefusedHelp({ kind, place }: { kind: ChannelKind; place: Place }) {
  return (
    <div data-refused className="flex flex-col gap-2 rounded-md border border-edge bg-degraded-soft px-3 py-2">
      <p>
        Notifications go to the public internet only, by TLS. If this place is meant, whoever runs this collector adds to its
        file and starts it again:
      </p>
      <AllowHelp kind={kind} place={place} />
    </div>
  );
}
