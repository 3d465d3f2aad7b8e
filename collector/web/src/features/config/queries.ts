/** What the pages of configurations ask of the server, and what they ask again once something changed. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, take } from "../../lib/api";
import { REFRESH_MS, useRefresh } from "../../lib/use-refresh";
import { type Pages, usePages } from "../../lib/use-pages";
import { useSecretMutation } from "../../lib/use-secret-mutation";
import type { Backup, BackupChange, Job, NewPolicy } from "./types";
import { isOpen } from "./words";

const ALL = ["config"] as const;
export const KEYS = {
  all: ALL,
  list: [...ALL, "list"],
  jobs: [...ALL, "jobs"],
  policy: [...ALL, "policy"],
  backup: (device: string) => [...ALL, "backup", device],
  versions: (device: string) => [...ALL, "versions", device],
  saved: (device: string) => ["config-saved", device],
} as const;

/** Between two looks at a job that is under way. */
const LOOK_MS = 2000;
const FEW = 20;

type Looked = Pick<Job, "state" | "waits"> | null | undefined;

/** How soon a job is looked at again: one that waits for its agent may do so for days. */
export function paceOf(job: Looked): number {
  return job?.state === "running" || (job?.state === "queued" && !job.waits) ? LOOK_MS : REFRESH_MS;
}

/** What was just set may begin at any moment, and then it is no job yet: looked at soon for this long. */
const SOON_MS = 60_000;

type Awaited = Pick<Backup, "effective" | "login" | "job"> | undefined;

/** The pace of a device's backup; `savedAt` is when its settings were saved here, `openedAt` when it was looked at first. */
export function paceOfBackup(backup: Awaited, savedAt: number, openedAt: number, nowMs: number): number {
  const isWanted = backup?.effective.enabled === true && backup.login !== null;
  const isFirst = backup?.job === null && nowMs - openedAt < SOON_MS;
  if (isWanted && (isFirst || nowMs - savedAt < SOON_MS)) return LOOK_MS;
  return paceOf(backup?.job);
}

/** A list is looked at again while its first page alone is there: nobody has all of it loaded anew each time. */
export function useLookAgain<T>(list: Pages<T>, key: readonly unknown[], perPage: number, everyMs = REFRESH_MS): void {
  useRefresh(list.rows.length <= perPage ? [key] : [], everyMs);
}

/** The text of a version never changes; when it was seen last is told by the list of versions. */
const FOR_EVER = Number.POSITIVE_INFINITY;

const of = (id: string) => ({ params: { path: { id } } });

/** The backup of a device, looked at again and again; the end of a job brings what it made. */
export function useBackup(device: string) {
  const queries = useQueryClient();
  const [openedAt] = useState(Date.now);
  const query = useQuery({
    queryKey: KEYS.backup(device),
    queryFn: async () => (await take(api.GET("/api/v1/devices/{id}/backup", of(device)))).data,
    refetchInterval: ({ state }) => paceOfBackup(state.data, queries.getQueryData<number>(KEYS.saved(device)) ?? 0, openedAt, Date.now()),
  });
  // One that began by schedule may have come and gone between two looks.
  const job = query.data?.job;
  const ended = job && !isOpen(job) ? job.id : null;
  const known = useRef<string | null | undefined>(undefined);
  useEffect(() => {
    if (!query.data) return;
    if (known.current !== undefined && ended !== null && ended !== known.current) {
      void queries.invalidateQueries({ queryKey: KEYS.versions(device) });
      void queries.invalidateQueries({ queryKey: KEYS.jobs });
    }
    known.current = ended;
  }, [queries, device, ended, query.data]);
  return query;
}

export function useVersions(device: string) {
  return usePages(KEYS.versions(device), (cursor) =>
    take(api.GET("/api/v1/devices/{id}/configs", { params: { path: { id: device }, query: { ...cursor, limit: FEW } } })));
}

export function useVersion(id: string | null) {
  return useQuery({
    queryKey: [...ALL, "version", id],
    enabled: id !== null,
    staleTime: FOR_EVER,
    queryFn: async () => (await take(api.GET("/api/v1/configs/{id}", of(id ?? "")))).data,
  });
}

/** What changed from another version, or from the one before. */
export function useDiff(id: string, before: string | undefined) {
  return useQuery({
    queryKey: [...ALL, "diff", id, before ?? ""],
    staleTime: FOR_EVER,
    queryFn: async () => (await take(api.GET("/api/v1/configs/{id}/diff", {
      params: { path: { id }, query: before ? { with: before } : {} },
    }))).data,
  });
}

/** Fetches it now. A job that is open already is that job. */
export function useRun(device: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => ((await take(api.POST("/api/v1/devices/{id}/backup/run", of(device)))) as { data: Job }).data,
    onSuccess: async () => {
      await Promise.all([KEYS.backup(device), KEYS.jobs].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
}

/** Takes back a job that waits. One that has begun meanwhile is told, and goes on. */
export function useTakeBack() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ id }: Pick<Job, "id" | "device">) => take(api.POST("/api/v1/config-jobs/{id}/cancel", of(id))),
    onSettled: async (_, __, { device }) => {
      await Promise.all([KEYS.backup(device.id), KEYS.jobs].map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
  });
}

export function useChangeBackup(device: string, onDone: () => void) {
  const queries = useQueryClient();
  return useSecretMutation({
    mutationFn: (body: BackupChange) => take(api.PATCH("/api/v1/devices/{id}/backup", { ...of(device), body })),
    onSuccess: async ({ data }) => {
      queries.setQueryData(KEYS.saved(device), Date.now());
      queries.setQueryData(KEYS.backup(device), data);
      onDone();
      await queries.invalidateQueries({ queryKey: KEYS.list });
    },
  });
}

export function usePinKey(device: string, onDone: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (key: string) => take(api.POST("/api/v1/devices/{id}/backup/host-key", { ...of(device), body: { host_key: key } })),
    onSuccess: async ({ data }) => {
      queries.setQueryData(KEYS.backup(device), data);
      onDone();
      await queries.invalidateQueries({ queryKey: KEYS.list });
    },
  });
}

/** Between two looks at a mirror that waits: no stream tells of it. */
const MIRROR_MS = 15_000;

export function usePolicy(tenant: string) {
  return useQuery({
    queryKey: [...KEYS.policy, tenant],
    enabled: tenant !== "",
    queryFn: async () => (await take(api.GET("/api/v1/backup-policy", { params: { query: { tenant } } }))).data,
    refetchInterval: ({ state }) => (state.data?.mirror.state === "waiting" ? MIRROR_MS : false),
  });
}

export function useSavePolicy(onDone: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: NewPolicy) => take(api.PUT("/api/v1/backup-policy", { body })),
    onSuccess: async ({ data }) => {
      queries.setQueryData([...KEYS.policy, data.tenant.id], data);
      onDone();
      // Each device's next fetch may be another.
      await queries.invalidateQueries({ queryKey: ALL });
    },
  });
}
