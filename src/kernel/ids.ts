import { createHash, hash, randomBytes } from 'node:crypto';

/** Fills and returns `size` random bytes. */
export type RandomBytes = (size: number) => Uint8Array;

/** Random bytes per id, and ids per draw: a draw costs more than an id. */
const BYTES = 10;
const IDS = 256;

/**
 * Makes UUIDv7 (RFC 9562 section 5.7) that grow strictly within one process: the 12 bits after the
 * milliseconds are a counter that starts anew, at random below 2^11, in every millisecond (method 1).
 */
export function createUuidV7(nowMs: () => number, random: RandomBytes = randomBytes): () => string {
  let lastMs = -1;
  let time = '';
  let counter = 0;
  let pool = Buffer.alloc(0);
  // The pool and the time are turned into digits once for many ids.
  let digits = '';
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = Buffer.from(random(BYTES * IDS));
      digits = pool.toString('hex');
      used = 0;
    }
    const now = nowMs();
    if (now > lastMs) {
      lastMs = now;
      time = '';
      counter = pool.readUInt16BE(used) & 0x7ff;
    } else if (counter < 0xfff) {
      counter += 1;
    } else {
      lastMs += 1;
      time = '';
      counter = 0;
    }
    if (time === '') {
      const hex = lastMs.toString(16).padStart(12, '0');
      time = `${hex.slice(0, 8)}-${hex.slice(8)}`;
    }
    const counted = (0x7000 | counter).toString(16);
    const variant = (0x8000 | (pool.readUInt16BE(used + 2) & 0x3fff)).toString(16);
    const tail = digits.slice((used + 4) * 2, (used + BYTES) * 2);
    used += BYTES;
    return `${time}-${counted}-${variant}-${tail}`;
  };
}

/** The milliseconds since the Unix epoch inside a UUIDv7, or undefined for any other UUID. */
export function uuidV7TimeMs(id: string): number | undefined {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;
}

/** The namespace of every name-based UUID of Daybook (random, chosen once). */
const NAMESPACE = Buffer.from('6f1c2b1e9d0c4e0fa3b75a1d8c4e7f20', 'hex');

/** A name-based UUIDv5 (RFC 9562 section 5.5): the same parts give the same id, everywhere. */
export function uuidV5(...parts: readonly (string | number)[]): string {
  const digest = createHash('sha1').update(NAMESPACE).update(parts.join('\u0000')).digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** The id of an event: the same wherever the event travels, and therefore stored nowhere. */
export function eventId(streamId: string, epoch: number, version: number): string {
  return uuidV5(streamId, epoch, version);
}

/** SHA-256 of a text as UTF-8, or of the same in bytes, in lower-case hex. */
export function sha256(text: string | Uint8Array): string {
  return hash('sha256', text);
}

/** 32 hex digits in the form in which Postgres shows a UUID. */
export function uuidOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
