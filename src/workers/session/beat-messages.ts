/** What the beat thread is told when it starts. */
export interface BeatThreadData {
  readonly connectionString: string | undefined;
  readonly schema: string;
  readonly tenantId: number;
  readonly session: string;
  readonly leaseMs: number;
  readonly beatMs: number;
  readonly stallMs: number;
}

/** From the main thread: that its event loop turns, or that the session is over. */
export type MainMessage = 'turning' | 'stop';

/** From the beat thread. */
export type BeatMessage =
  | { readonly kind: 'beat'; readonly cancelRequested: readonly string[] }
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly message: string };
