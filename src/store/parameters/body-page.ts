/** The number by which every Postgres knows its type json. */
const JSON_OID = 114;
/** Before the elements of an array: dimensions, nulls, type; then length and lower bound of the one. */
const HEAD_BYTES = 20;
/** Before each element: its length. */
const LENGTH_BYTES = 4;
/** In the place of the length of an element that is NULL. */
const NULL_LENGTH = -1;

/** A JSON text, or the same as UTF-8 in a page. */
export type JsonBody = string | PagedBody;

export interface PagedBody {
  readonly bytes: Buffer;
  readonly page: BodyPage;
  /** Its place in the page, from 0. */
  readonly index: number;
}

/** Of a body as UTF-8; 0 for none. */
export function bytesOf(body: JsonBody | null): number {
  if (body === null) return 0;
  return typeof body === 'string' ? Buffer.byteLength(body) : body.bytes.length;
}

/** Bodies as UTF-8, laid out as Postgres reads a `json[]` that comes as bytes. */
export class BodyPage {
  readonly #page: Buffer;
  #used = HEAD_BYTES;
  #count = 0;
  #nulls = 0;

  /** @param size bytes for the bodies and their lengths; see `sizeOf` */
  constructor(size: number) {
    this.#page = Buffer.allocUnsafe(HEAD_BYTES + size);
  }

  /** What a page for these bodies needs. */
  static sizeOf(bodies: readonly (JsonBody | null)[]): number {
    let size = 0;
    for (const body of bodies) size += LENGTH_BYTES + bytesOf(body);
    return size;
  }

  /** For about so many more bodies of which this is one, and at least for this one. */
  static like(text: string, bodies: number): BodyPage {
    const room = LENGTH_BYTES + text.length * 3;
    // A little longer than this one each; and the last is let in only if it fits in any script.
    const likely = bodies * (LENGTH_BYTES + text.length * 1.06) + room;
    return new BodyPage(Math.ceil(Math.max(room, Math.min(PAGE_BYTES, likely))));
  }

  get count(): number {
    return this.#count;
  }

  /** Whether a text finds room, whatever is in it: none of its code units takes more than three bytes. */
  hasRoomFor(text: string): boolean {
    return this.#used + LENGTH_BYTES + text.length * 3 <= this.#page.length;
  }

  /** Writes a body that there is room for, or NULL. */
  add(body: JsonBody | null): void {
    this.#count += 1;
    if (body === null) {
      this.#nulls = 1;
      this.#used = this.#page.writeInt32BE(NULL_LENGTH, this.#used);
      return;
    }
    const from = this.#used + LENGTH_BYTES;
    const length =
      typeof body === 'string' ? this.#page.write(body, from) : body.bytes.copy(this.#page, from);
    this.#page.writeInt32BE(length, this.#used);
    this.#used = from + length;
  }

  /** The same, and answers where it is. */
  write(text: string): PagedBody {
    const from = this.#used + LENGTH_BYTES;
    this.add(text);
    return { bytes: this.#page.subarray(from, this.#used), page: this, index: this.#count - 1 };
  }

  /** All that was written, as `array_recv` of Postgres reads it. */
  array(): Buffer {
    const [dimensions, firstIndex] = [1, 1];
    const head = [dimensions, this.#nulls, JSON_OID, this.#count, firstIndex];
    for (const [place, value] of head.entries()) this.#page.writeInt32BE(value, place * 4);
    return this.#page.subarray(0, this.#used);
  }
}

/** A page for many bodies, at the most. */
const PAGE_BYTES = 16 * 1_048_576;
/** Shorter texts are quicker written twice than kept apart. */
const WORTH_LENGTH = 1_024;

/**
 * Writes bodies down as UTF-8 once: they are hashed, counted and sent from there. As texts, those of
 * a thousand jobs with 10 KB each live long enough for the garbage collector to move them about.
 */
export class BodyWriter {
  #left: number;
  #page: BodyPage | undefined;

  /** @param bodies how many there will be: mostly they find room in one page */
  constructor(bodies: number) {
    this.#left = bodies;
  }

  write(text: string): JsonBody {
    const left = this.#left;
    this.#left -= 1;
    if (text.length < WORTH_LENGTH) return text;
    if (this.#page?.hasRoomFor(text) !== true) this.#page = BodyPage.like(text, left);
    return this.#page.write(text);
  }
}
