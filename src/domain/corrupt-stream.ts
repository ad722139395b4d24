import type { Recorded } from './recorded.ts';

/** A stream that cannot be folded: its log was altered, or written by what this version does not know. */
export class CorruptStream extends Error {
  readonly streamId: string;
  /** Of the first event that does not fit. */
  readonly version: number;

  constructor(event: Recorded & { readonly type: string }, what: string, cause?: unknown) {
    const { streamId, type, version } = event;
    const message = `Stream ${streamId} is corrupt: ${type} at version ${version} is ${what}.`;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CorruptStream';
    this.streamId = streamId;
    this.version = version;
  }
}
