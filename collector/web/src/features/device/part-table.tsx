import { useState } from "react";
import { integer, NONE } from "../../lib/format";
import type { DeviceObject } from "../../lib/types";
import { Button } from "../../ui/button";
import type { PartRow } from "./hardware-objects";
import { kindWord, objectName } from "./object-name";

/** A chassis switch has a thousand of them. */
const FIRST = 40;
const DEPTH_PX = 14;
/** Deeper ones stand below each other, so that names keep their room. */
const DEPTH_MAX = 6;

function revisions({ hardware_revision: hardware, firmware_revision: firmware, software_revision: software }: DeviceObject): string {
  const parts = [hardware && `hw ${hardware}`, firmware && `fw ${firmware}`, software && `sw ${software}`].filter(Boolean);
  return parts.join(" · ") || NONE;
}

/** What the device is built of, each part below the one that it is in. */
export function PartTable({ parts }: { parts: readonly PartRow[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? parts : parts.slice(0, FIRST);
  return (
    <section aria-label="Parts" className="overflow-hidden rounded-lg border border-line bg-surface" data-hardware="Parts">
      <h3 className="flex items-baseline gap-2 border-b border-line px-3 py-2 font-semibold">
        Parts <span className="text-xs font-normal text-muted">{integer(parts.length)}</span>
      </h3>
      <table className="w-full table-fixed border-collapse phone:block" aria-label="Parts">
        <thead className="text-xs text-muted phone:hidden">
          <tr className="h-8 text-left">
            <th scope="col" className="w-[40%] px-3 font-normal">Part</th>
            <th scope="col" className="px-2 font-normal">Model</th>
            <th scope="col" className="px-2 font-normal">Serial</th>
            <th scope="col" className="px-2 pr-3 font-normal">Revisions</th>
          </tr>
        </thead>
        <tbody className="phone:block">
          {shown.map(({ part, depth }) => (
            <tr key={part.object} className="h-8 border-t border-line phone:flex phone:h-auto phone:flex-col phone:py-1.5" data-part={part.object}>
              <td className="clip px-3" title={part.description || undefined}>
                <span style={{ paddingLeft: Math.min(depth, DEPTH_MAX) * DEPTH_PX }}>{objectName(part)}</span>
                {part.kind && <span className="ml-2 text-xs text-muted">{kindWord(part.kind)}</span>}
              </td>
              <td className="clip px-2 text-muted phone:px-3" title={part.vendor ?? undefined}>
                <PhoneLabel>Model</PhoneLabel>{[part.vendor, part.model].filter(Boolean).join(" ") || NONE}
              </td>
              <td className="clip px-2 text-muted select-all phone:px-3"><PhoneLabel>Serial</PhoneLabel>{part.serial ?? NONE}</td>
              <td className="clip px-2 pr-3 text-muted phone:px-3" title={revisions(part)}>
                <PhoneLabel>Revisions</PhoneLabel>{revisions(part)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < parts.length && (
        <Button look="quiet" className="m-1" onClick={() => setAll(true)}>Show all {integer(parts.length)}</Button>
      )}
    </section>
  );
}

function PhoneLabel({ children }: { children: string }) {
  return <span className="mr-2 hidden text-xs phone:inline">{children}</span>;
}
