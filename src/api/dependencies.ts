import type { WriteContext } from '../commands/write-context.ts';
import type { ConsumerControl } from '../consumers/consumer-control.ts';
import {
  createSubscriptionControl,
  type SubscriptionControl,
} from '../consumers/groups/subscription-control.ts';
import { createLogTail, type LogTail } from '../consumers/tail/log-tail.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';

/** What the server needs; made once per process by the door. */
export interface ApiDependencies {
  readonly context: WriteContext;
  readonly consumers: ConsumerControl;
  /** Default: one of its own. */
  readonly subscriptions?: SubscriptionControl;
  /** The text of /metrics. */
  metricsText(): Promise<string>;
  /** The version of Daybook. */
  readonly version: string;
  /** The name of this process, in answers about its health. */
  readonly instance: string;
  /** True once this process is to take no new work. */
  isDraining(): boolean;
  /** Follows the log for all subscribers of this process; default: one of the server's own. */
  readonly tail?: LogTail;
  readonly limits?: Partial<ApiLimits>;
  readonly clock?: Clock;
}

/** Limits of one process; each bounds something a client could otherwise use up. */
export interface ApiLimits {
  /** Bytes of a body that carries one payload: 1 MiB of payload and room for what is around it. */
  readonly bodyBytes: number;
  /** Bytes of a body that carries many payloads or results. */
  readonly batchBytes: number;
  /** How long a client may take to send a request, in ms. */
  readonly requestTimeoutMs: number;
  /** Bytes of bodies of all requests that are under way; one alone is always taken. */
  readonly bodiesBytes: number;
  /** Once requests wait so long for a connection to the database, new ones are turned away, in ms. */
  readonly queueMs: number;
  /** Requests that wait for something at the same time. */
  readonly waiting: number;
  /** Payload bytes of one claim; its first job comes whatever its size. */
  readonly claimBytes: number;
  /** Streams of events that are open at the same time. */
  readonly subscribers: number;
  /** A stream on which nothing came for so long gets a heartbeat, in ms; after twice as long at most. */
  readonly heartbeatMs: number;
  /** A client that takes nothing of its stream for so long is cut off, in ms. */
  readonly stalledMs: number;
  /** Host names that are served beside localhost, 127.0.0.1 and [::1]; for a server behind a proxy. */
  readonly allowedHosts: readonly string[];
}

const defaultLimits: ApiLimits = {
  bodyBytes: 1_048_576 + 65_536,
  batchBytes: 64 * 1_048_576,
  bodiesBytes: 256 * 1_048_576,
  queueMs: 1_000,
  requestTimeoutMs: 60_000,
  waiting: 500,
  claimBytes: 16 * 1_048_576,
  subscribers: 1_000,
  heartbeatMs: 15_000,
  stalledMs: 60_000,
  allowedHosts: [],
};

/** The dependencies with every default filled in. */
export interface Api extends ApiDependencies {
  readonly subscriptions: SubscriptionControl;
  readonly limits: ApiLimits;
  readonly clock: Clock;
  readonly tail: LogTail;
}

export function withDefaults(dependencies: ApiDependencies): Api {
  const { context, limits, clock = systemClock } = dependencies;
  return {
    ...dependencies,
    subscriptions: dependencies.subscriptions ?? createSubscriptionControl({ ...context, clock }),
    limits: { ...defaultLimits, ...limits },
    clock,
    tail: dependencies.tail ?? createLogTail({ ...context, clock }),
  };
}
