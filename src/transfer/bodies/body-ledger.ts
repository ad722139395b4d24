import type { RecordedEvent } from '../../domain/event-types.ts';

/** Which bodies an event speaks of, by their hashes. */
export interface BodiesNamed {
  readonly payloadHash: string | undefined;
  readonly resultHash: string | undefined;
}

export function bodiesNamedBy(event: RecordedEvent): BodiesNamed {
  const none = { payloadHash: undefined, resultHash: undefined };
  if (event.type === 'JobSubmitted') return { ...none, payloadHash: event.data.payloadHash };
  if (event.type === 'JobEdited') return { ...none, payloadHash: event.data.changes.payloadHash };
  if (event.type === 'JobCompleted') return { ...none, resultHash: event.data.resultHash };
  return none;
}

/**
 * Which jobs lack the body that their events name last. A body that was replaced or erased is not
 * missing: only the last one is kept, and a later event says so.
 */
export interface BodyLedger {
  take(event: RecordedEvent, has: { readonly payload: boolean; readonly result: boolean }): void;
  /** Ids of jobs that lack a payload or a result. */
  missing(): string[];
}

export function createBodyLedger(): BodyLedger {
  const payloads = new Set<string>();
  const results = new Set<string>();
  const note = (set: Set<string>, id: string, isThere: boolean) => {
    if (isThere) set.delete(id);
    else set.add(id);
  };
  return {
    take(event, has) {
      const { payloadHash, resultHash } = bodiesNamedBy(event);
      if (payloadHash !== undefined) note(payloads, event.streamId, has.payload);
      if (resultHash !== undefined) note(results, event.streamId, has.result);
      if (event.type !== 'PayloadErased') return;
      payloads.delete(event.streamId);
      results.delete(event.streamId);
    },
    missing: () => [...new Set([...payloads, ...results])],
  };
}
