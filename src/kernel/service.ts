/**
 * What runs in the background. `start` resolves once it runs; `stop` may be called any number of
 * times, and resolves once nothing of it runs any more.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}
