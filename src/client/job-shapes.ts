/** A job as a request names it; see NewJob of /openapi.json. */
export interface JobRequest {
  readonly type: string;
  readonly queue?: string;
  readonly payload?: unknown;
  readonly priority?: number;
  /** RFC 3339. */
  readonly runAt?: string;
  readonly delayMs?: number;
  readonly maxAttempts?: number;
  readonly backoff?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
  readonly tags?: readonly string[];
  readonly correlationId?: string;
  readonly uniqueKey?: string;
}

export type JobPhaseName =
  | 'scheduled'
  | 'ready'
  | 'retrying'
  | 'running'
  | 'completed'
  | 'dead'
  | 'cancelled';

/** What every answer says of a job. Others of its fields are in /openapi.json. */
export interface JobSummary {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly state: JobPhaseName;
  readonly version: number;
  readonly priority: number;
  readonly runAt: string;
  readonly submittedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly failures: number;
  readonly maxAttempts: number;
  readonly tags: readonly string[];
  readonly uniqueKey: string | null;
  readonly correlationId: string | null;
  readonly error: { readonly name: string; readonly message: string } | null;
}

export interface JobDetail extends JobSummary {
  /** A write token: reads that take `after` wait for it. It is no place in the log. */
  readonly token: string;
  readonly payload: unknown;
  readonly result: unknown;
}

export interface WrittenJob {
  readonly job: JobSummary;
  readonly token: string;
}

export interface JobListFilter {
  readonly queue?: string;
  readonly state?: JobPhaseName;
  readonly type?: string;
  readonly tag?: string;
  readonly pageSize?: number;
  /** `nextPageToken` of the page before. */
  readonly pageToken?: string;
  /** The token of a write that the list is to show. */
  readonly after?: string;
}

export interface JobPage {
  readonly data: readonly JobSummary[];
  readonly nextPageToken?: string;
  readonly asOf: { readonly position: string };
}
