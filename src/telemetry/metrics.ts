/** One metric: what it is called, what it says, and by which bounded names it is told apart. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  /** Never an id or a key: only names of which there are few. */
  readonly labels: readonly string[];
  /** Upper bounds, of histograms, in seconds. */
  readonly buckets?: readonly number[];
}

const job = ['queue', 'type'] as const;
const none = [] as const;

/** From 2 ms, where a fresh job starts, to an hour, where somebody should have looked. */
const seconds = [0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5, 30, 120, 600, 3_600] as const;

/**
 * Every metric of Daybook; those of the process (CPU, memory, event loop) come from prom-client.
 * Counters and histograms say what this process did since it started. Gauges are read from the
 * database at each scrape, and are left out while it cannot be reached.
 */
export const metricTable = {
  submitted: {
    kind: 'counter',
    name: 'daybook_jobs_submitted_total',
    help: 'Jobs submitted.',
    labels: job,
  },
  started: {
    kind: 'counter',
    name: 'daybook_jobs_started_total',
    help: 'Attempts begun: jobs claimed.',
    labels: job,
  },
  completed: {
    kind: 'counter',
    name: 'daybook_jobs_completed_total',
    help: 'Attempts that completed their job.',
    labels: job,
  },
  failed: {
    kind: 'counter',
    name: 'daybook_jobs_failed_total',
    help: 'Attempts that failed, whether or not the job is tried again.',
    labels: job,
  },
  retried: {
    kind: 'counter',
    name: 'daybook_jobs_retried_total',
    help: 'Attempts that failed and after which the job is tried again.',
    labels: job,
  },
  dead: {
    kind: 'counter',
    name: 'daybook_jobs_dead_total',
    help: 'Jobs that died: no attempt is left, or none would help.',
    labels: job,
  },
  cancelled: {
    kind: 'counter',
    name: 'daybook_jobs_cancelled_total',
    help: 'Jobs cancelled.',
    labels: job,
  },
  snoozed: {
    kind: 'counter',
    name: 'daybook_jobs_snoozed_total',
    help: 'Attempts that put their job off.',
    labels: job,
  },
  interrupted: {
    kind: 'counter',
    name: 'daybook_jobs_interrupted_total',
    help: 'Attempts given back by a living worker; see daybook_lease_expired_total for the others.',
    labels: job,
  },
  waitSeconds: {
    kind: 'histogram',
    name: 'daybook_job_wait_seconds',
    help: 'Seconds from when a job was due to its claim.',
    labels: job,
    buckets: seconds,
  },
  runSeconds: {
    kind: 'histogram',
    name: 'daybook_job_run_seconds',
    help: 'Seconds from a claim to its outcome, whatever the outcome was.',
    labels: job,
    buckets: seconds,
  },
  outcomesRejected: {
    kind: 'counter',
    name: 'daybook_outcomes_rejected_total',
    help: 'Outcomes that were not recorded, by why.',
    labels: ['code'],
  },
  leaseExpired: {
    kind: 'counter',
    name: 'daybook_lease_expired_total',
    help: 'Jobs taken back from workers that stopped beating.',
    labels: none,
  },
  sequenced: {
    kind: 'counter',
    name: 'daybook_events_sequenced_total',
    help: 'Events that got their position in the log.',
    labels: none,
  },
  projected: {
    kind: 'counter',
    name: 'daybook_events_projected_total',
    help: 'Events a projection has read.',
    labels: ['projection'],
  },
  eventsSent: {
    kind: 'counter',
    name: 'daybook_events_sent_total',
    help: 'Events handed to subscribers of the log; an event counts once for each.',
    labels: none,
  },
  subscribersBehind: {
    kind: 'counter',
    name: 'daybook_subscribers_behind_total',
    help: 'Times that a subscriber was too slow for the ring and was led back to the log.',
    labels: none,
  },
  subscribers: {
    kind: 'gauge',
    name: 'daybook_subscribers',
    help: 'Subscribers of the log in this process.',
    labels: none,
  },
  up: {
    kind: 'gauge',
    name: 'daybook_up',
    help: '1 if the database answered this scrape; 0 if it did not, and the gauges are left out.',
    labels: none,
  },
  buildInfo: {
    kind: 'gauge',
    name: 'daybook_build_info',
    help: 'Always 1; the version of Daybook is the label.',
    labels: ['version'],
  },
  queueDepth: {
    kind: 'gauge',
    name: 'daybook_queue_depth',
    help: 'Jobs of a queue by state, from the queue counters.',
    labels: ['queue', 'state'],
  },
  queueOldestAge: {
    kind: 'gauge',
    name: 'daybook_queue_oldest_age_seconds',
    help: 'For how long the oldest due job of a queue has waited; 0 if none is due.',
    labels: ['queue'],
  },
  inboxLagEvents: {
    kind: 'gauge',
    name: 'daybook_inbox_lag_events',
    help: 'Events that wait for their position, at the most.',
    labels: none,
  },
  inboxLagSeconds: {
    kind: 'gauge',
    name: 'daybook_inbox_lag_seconds',
    help: 'Age of the oldest event that waits for its position.',
    labels: none,
  },
  projectionLagEvents: {
    kind: 'gauge',
    name: 'daybook_projection_lag_events',
    help: 'Events of the log that a projection has not read yet.',
    labels: ['projection'],
  },
  projectionLagSeconds: {
    kind: 'gauge',
    name: 'daybook_projection_lag_seconds',
    help: 'Age of the oldest event that a projection has not read yet.',
    labels: ['projection'],
  },
  projectionMoving: {
    kind: 'gauge',
    name: 'daybook_projection_moving',
    help: '1 if a projection (or the relay) has read all there is or got on lately; 0 is a reason for an alarm.',
    labels: ['projection'],
  },
  subscriptionLagEvents: {
    kind: 'gauge',
    name: 'daybook_subscription_lag_events',
    help: 'Positions of the log that a subscription is not done with, parked events left out.',
    labels: ['subscription'],
  },
  subscriptionLagSeconds: {
    kind: 'gauge',
    name: 'daybook_subscription_lag_seconds',
    help: 'Age of the oldest event that a subscription is not done with, parked ones left out.',
    labels: ['subscription'],
  },
  subscriptionMoving: {
    kind: 'gauge',
    name: 'daybook_subscription_moving',
    help: '1 if a subscription has nothing to do or got on lately; 0 is a reason for an alarm.',
    labels: ['subscription'],
  },
  subscriptionEvents: {
    kind: 'gauge',
    name: 'daybook_subscription_events',
    help: 'Events that a subscription keeps, by state: in-flight, waiting, behind, parked.',
    labels: ['subscription', 'state'],
  },
  oldestSnapshotAge: {
    kind: 'gauge',
    name: 'daybook_oldest_snapshot_age_seconds',
    help: 'Age of the oldest snapshot in the database: what keeps dead rows from being removed.',
    labels: none,
  },
  poolConnections: {
    kind: 'gauge',
    name: 'daybook_db_pool_connections',
    help: 'Connections of this process to the database: total, and idle among them.',
    labels: ['state'],
  },
  poolWaiting: {
    kind: 'gauge',
    name: 'daybook_db_pool_waiting',
    help: 'Callers that wait for a connection.',
    labels: none,
  },
} as const satisfies Record<string, MetricDefinition>;

type Table = typeof metricTable;

/** The keys of the metrics of one kind. */
export type MetricKey<Kind extends MetricDefinition['kind']> = {
  [Key in keyof Table]: Table[Key]['kind'] extends Kind ? Key : never;
}[keyof Table];
