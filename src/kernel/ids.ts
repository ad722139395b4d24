import { createHash, randomBytes } from 'node:crypto';

/** Fills and returns `size` random bytes. */
export type RandomBytes = (size: number) => Uint8Array;

/**
 * Makes UUIDv7 (RFC 9562 section 5.7) that grow strictly within one process: the 12 bits after the
 * milliseconds are a counter that starts anew, at random below 2^11, in every millisecond (method 1).
 */
export function createUuidV7(nowMs: () => number, random: RandomBytes = randomBytes): () => string {
  let lastMs = -1;
  let counter = 0;
  // Random bytes are drawn for many ids at once: a draw costs more than an id.
  let pool: Uint8Array = new Uint8Array(0);
  let used = 0;
  const draw = () => {
    if (used + 10 > pool.length) {
      pool = random(10 * 256);
      used = 0;
    }
    used += 10;
    return pool.subarray(used - 10, used);
  };
  return () => {
    const bytes = draw();
    const now = nowMs();
    if (now > lastMs) {
      lastMs = now;
      counter = (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) & 0x7ff;
    } else {
      counter += 1;
      if (counter > 0xfff) {
        lastMs += 1;
        counter = 0;
      }
    }
    const time = lastMs.toString(16).padStart(12, '0');
    const variant = (0x80 | ((bytes[2] ?? 0) & 0x3f)).toString(16);
    const tail = Buffer.from(bytes.subarray(3, 10)).toString('hex');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant}${tail.slice(0, 2)}-${tail.slice(2)}`;
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
  const hash = createHash('sha1').update(NAMESPACE).update(parts.join('\u0000')).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** The id of an event: the same wherever the event travels, and therefore stored nowhere. */
export function eventId(streamId: string, epoch: number, version: number): string {
  return uuidV5(streamId, epoch, version);
}

/** SHA-256 of a UTF-8 text, in lower-case hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** 32 hex digits in the form in which Postgres shows a UUID. */
export function uuidOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
