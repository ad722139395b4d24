import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../kernel/ids.ts';
import { type RelayEvent, revisionOf } from '../relay-event.ts';
import type { StoredTargetEvent } from '../target/event-target.ts';

/**
 * What of an event is not as the log has it; undefined where all of it is. A body is held against its
 * hash. @param logged with the same id
 */
export function differenceOf(stored: StoredTargetEvent, logged: RelayEvent): string | undefined {
  if (stored.stream !== logged.stream) return 'stream';
  if (stored.revision !== revisionOf(logged.version)) return 'revision';
  if (stored.type !== logged.event.type) return 'type';
  const { payload, result, ...data } = (stored.data ?? {}) as Record<string, unknown>;
  if (!isDeepStrictEqual(data, plain(logged.event.data))) return 'data';
  if (!hasMetadata(stored, logged)) return 'metadata';
  const { payloadHash, resultHash, changes } = data as Record<string, unknown>;
  const edited = (changes as { payloadHash?: unknown } | undefined)?.payloadHash;
  if (payload !== undefined && !matches(payload, payloadHash ?? edited)) return 'payload';
  return result === undefined || matches(result, resultHash) ? undefined : 'result';
}

/**
 * What an older version did not tell is not missing: an event is appended once. Its log may bear another
 * name since it was restored, and its id says that it is of this one.
 */
function hasMetadata(stored: StoredTargetEvent, { event }: RelayEvent): boolean {
  const wanted = plain(event.metadata);
  const { source, correlated } = wanted;
  return isDeepStrictEqual({ correlated, ...(stored.metadata as object), source }, wanted);
}

function plain(value: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

function matches(body: unknown, hash: unknown): boolean {
  return sha256(JSON.stringify(body)) === hash;
}
