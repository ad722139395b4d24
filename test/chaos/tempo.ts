/** How quick the processes are to notice things, and so how long faults have to last. Times in ms. */
export interface Tempo {
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly expiryMs: number;
  /** How long a fault lasts that has to outlast a lease. */
  readonly beyondLeaseMs: number;
  /** How long a fault lasts that a lease should survive. */
  readonly withinLeaseMs: number;
  /** How long an event loop is blocked. */
  readonly blockMs: number;
  /** How long one may take to recover before it counts as wrong. */
  readonly patienceMs: number;
  /** Between two faults. */
  readonly pauseMs: number;
  /** Requests per second. */
  readonly rate: number;
}

/** The defaults of the product: what a user gets who sets nothing. */
export const usualTempo: Tempo = {
  leaseMs: 12_000,
  beatMs: 4_000,
  expiryMs: 1_000,
  beyondLeaseMs: 18_000,
  withinLeaseMs: 6_000,
  blockMs: 30_000,
  patienceMs: 60_000,
  pauseMs: 1_500,
  rate: 40,
};

/** Short leases, for a run that has a minute. */
export const quickTempo: Tempo = {
  leaseMs: 3_000,
  beatMs: 700,
  expiryMs: 300,
  beyondLeaseMs: 4_500,
  withinLeaseMs: 1_500,
  blockMs: 5_000,
  patienceMs: 45_000,
  pauseMs: 500,
  rate: 30,
};
