/** What the pages of configurations use, named after what the API gives. */
import type { paths } from "../../api.gen";

type Json<O> = O extends { responses: { 200: { content: { "application/json": infer A } } } } ? A : never;
type Data<O> = Json<O> extends { data: infer D } ? D : never;
type Row<O> = Data<O> extends (infer R)[] ? R : never;
type Sent<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? B : never;

export type Backup = Data<paths["/api/v1/devices/{id}/backup"]["get"]>;
export type BackupChange = Sent<paths["/api/v1/devices/{id}/backup"]["patch"]>;
export interface Mirror {
  state: "ok" | "waiting" | "off";
  /** What it waits for or why it is off, and what to do about that. */
  detail: string | null;
  last_commit_at: string | null;
}
export type Policy = Data<paths["/api/v1/backup-policy"]["get"]> & { mirror?: Mirror };
export type NewPolicy = Sent<paths["/api/v1/backup-policy"]["put"]>;
export type ConfigRow = Row<paths["/api/v1/configs"]["get"]>;
type FoundRow = Row<paths["/api/v1/configs/search"]["get"]>;
/** `last_at`: when the version was seen last; `ranges`: where a line matches. */
export type Found = Omit<FoundRow, "matches"> & { last_at?: string; matches: (FoundRow["matches"][number] & { ranges?: [number, number][] })[] };
/** A configuration that a search left out. */
export interface Skipped {
  device: FoundRow["device"];
  site: FoundRow["site"];
  tenant: FoundRow["tenant"];
  why: "too_slow" | "damaged";
}
export type Version = Row<paths["/api/v1/devices/{id}/configs"]["get"]>;
export type VersionText = Data<paths["/api/v1/configs/{id}"]["get"]>;
export type Job = Row<paths["/api/v1/config-jobs"]["get"]>;
export type JobState = Job["state"];
