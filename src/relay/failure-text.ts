import { storableText } from '../domain/storable-text.ts';
import { TargetMismatch } from './append-batch.ts';
import { TargetFailure } from './target/event-target.ts';

/** A failure as it is kept and shown. */
export interface RelayFailure {
  readonly name: string;
  readonly message: string;
  readonly position: string;
  /** As the target names it; of failures that are about one. */
  readonly stream?: string;
}

/** Texts are bounded: a server may say anything. */
const MAX_MESSAGE = 2_000;

/** @param position where it is known no better */
export function failureText(error: unknown, position: bigint): RelayFailure {
  const message = error instanceof Error ? error.message : String(error);
  const common = { message: storableText(message, MAX_MESSAGE), position: String(position) };
  if (error instanceof TargetMismatch) {
    const { mismatch, stream } = error;
    return { ...common, name: mismatch, stream, position: String(error.position) };
  }
  return { ...common, name: error instanceof TargetFailure ? error.reason : 'Error' };
}

/** The failure that stops the relay: where one stream is the reason, its message says how to go on. */
export function stoppedText(failure: RelayFailure): RelayFailure {
  const { message, stream } = failure;
  return stream === undefined ? failure : { ...failure, message: `${message}${wayOn(stream)}` };
}

/** The same once the stream was set aside, and why. */
export function parkedText(stopped: RelayFailure, reason: string) {
  const { message, stream = '' } = stopped;
  return {
    ...stopped,
    message: message.replace(wayOn(stream), ''),
    reason: storableText(reason, MAX_MESSAGE),
  };
}

function wayOn(stream: string): string {
  return ` To relay the other streams meanwhile: daybook relay park ${stream} --reason '…'`;
}
