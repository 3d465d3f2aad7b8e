/** What the pages of configurations use, named after what the API gives. */
import type { paths } from "../../api.gen";

type Json<O> = O extends { responses: { 200: { content: { "application/json": infer A } } } } ? A : never;
type Data<O> = Json<O> extends { data: infer D } ? D : never;
type Row<O> = Data<O> extends (infer R)[] ? R : never;
type Sent<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? B : never;

export type Backup = Data<paths["/api/v1/devices/{id}/backup"]["get"]>;
export type BackupChange = Sent<paths["/api/v1/devices/{id}/backup"]["patch"]>;
export type Policy = Data<paths["/api/v1/backup-policy"]["get"]>;
export type Mirror = Policy["mirror"];
export type NewPolicy = Sent<paths["/api/v1/backup-policy"]["put"]>;
export type ConfigRow = Row<paths["/api/v1/configs"]["get"]>;
export type Found = Row<paths["/api/v1/configs/search"]["get"]>;
/** A configuration that a search left out. */
export type Skipped = Json<paths["/api/v1/configs/search"]["get"]>["meta"]["skipped"][number];
export type Version = Row<paths["/api/v1/devices/{id}/configs"]["get"]>;
export type VersionText = Data<paths["/api/v1/configs/{id}"]["get"]>;
export type Job = Row<paths["/api/v1/config-jobs"]["get"]>;
export type JobState = Job["state"];
