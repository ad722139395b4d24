/** One queue at the moment of a scrape. */
export interface QueueGauges {
  readonly queue: string;
  /** Jobs by state. */
  readonly depth: Readonly<Record<string, number>>;
  /** In seconds; 0 where nothing is due. */
  readonly oldestAgeSeconds: number;
}

/** A projection at the moment of a scrape. */
export interface ProjectionGauges {
  readonly projection: string;
  readonly lagEvents: number;
  readonly lagSeconds: number;
  readonly moving: boolean;
}

/** A subscription at the moment of a scrape. */
export interface SubscriptionGauges {
  readonly subscription: string;
  readonly lagEvents: number;
  readonly lagSeconds: number;
  readonly moving: boolean;
  /** Events by where they stand: in flight, waiting, behind, parked. */
  readonly events: Readonly<Record<string, number>>;
}

/** What only the database knows. A part that cannot be told is left out. */
export interface DatabaseGauges {
  readonly queues?: readonly QueueGauges[];
  readonly inboxLagEvents?: number;
  readonly inboxLagSeconds?: number;
  readonly projections?: readonly ProjectionGauges[];
  readonly subscriptions?: readonly SubscriptionGauges[];
  readonly oldestSnapshotAgeSeconds?: number;
}

export interface PoolGauges {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Where the gauges of a scrape come from; implemented by rooms that know the database. */
export interface GaugeSource {
  /** Asked once per scrape; may reject, or never answer. */
  read(): Promise<DatabaseGauges>;
  /** What this process knows without asking. */
  pool(): PoolGauges;
}
