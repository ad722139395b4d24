/** Why a command was refused. The same codes stand in docs/errors.md. */
export type RejectionCode =
  | 'job-not-found'
  | 'illegal-transition'
  | 'lease-lost'
  /** Not an error: the outcome is in the log already, and nothing is written again. */
  | 'already-recorded';

export interface Rejection {
  readonly code: RejectionCode;
  /** One sentence: what stands in the way. */
  readonly detail: string;
}

/** What `decide` answers: events to append (at least one), or why there are none. */
export type Decision<Event> =
  | { readonly events: readonly [Event, ...Event[]]; readonly rejection?: never }
  | { readonly rejection: Rejection; readonly events?: never };

export function accept<Event>(...events: readonly [Event, ...Event[]]): Decision<Event> {
  return { events };
}

export function reject(code: RejectionCode, detail: string): Decision<never> {
  return { rejection: { code, detail } };
}
