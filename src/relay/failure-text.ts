import { storableText } from '../domain/storable-text.ts';
import { TargetMismatch } from './append-batch.ts';
import { TargetFailure } from './target/event-target.ts';

/** A failure as it is kept and shown. */
export interface RelayFailure {
  readonly name: string;
  readonly message: string;
  readonly position: string;
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
