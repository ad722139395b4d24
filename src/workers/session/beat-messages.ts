/** What the beat thread is told when it starts. */
export interface BeatThreadData {
  readonly connectionString: string;
  readonly schema: string;
  readonly tenantId: number;
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly stallMs: number;
}

/** From the main thread: that its event loop turns, for which session to beat, and which is over. */
export type MainMessage =
  | { readonly kind: 'turning' }
  | { readonly kind: 'watch' | 'leave'; readonly session: string };

/** From the beat thread. */
export type BeatMessage =
  | { readonly kind: 'beat'; readonly session: string; readonly cancelRequested: readonly string[] }
  | { readonly kind: 'lost'; readonly session: string }
  | { readonly kind: 'failed'; readonly session: string; readonly message: string };
