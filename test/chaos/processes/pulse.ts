/** An outcome that a worker knows to be recorded; `at` is monotonic, see monotonic.ts. */
export interface PulseLine {
  readonly at: number;
  readonly outcome: string;
}
