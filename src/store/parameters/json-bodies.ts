import { BodyPage, type JsonBody, type PagedBody } from './body-page.ts';

/**
 * A batch of bodies, or NULLs, as a parameter `json[]`. On connections of Daybook's own it goes as bytes: Postgres
 * reads each body once, nothing is quoted, and it comes out of `unnest` without a copy.
 * The largest parameter of a statement is best the last: `pg` would copy it to make room for others.
 */
export class JsonBodies {
  readonly #bodies: readonly (JsonBody | null)[];

  constructor(bodies: readonly (JsonBody | null)[]) {
    this.#bodies = bodies;
  }

  /** For a connection of Daybook's own. */
  bytes(): Buffer {
    return (this.#page() ?? this.#copied()).array();
  }

  /** An array literal, for a caller's own client: it may hand nothing but texts to Postgres. */
  text(): string {
    return `{${this.#bodies.map(elementOf).join(',')}}`;
  }

  /** What `pg` asks of an object that is a parameter. */
  toPostgres(): string {
    return this.text();
  }

  /** The page that holds these bodies and no others, in this order: then nothing has to be copied. */
  #page(): BodyPage | undefined {
    const [first] = this.#bodies;
    if (first === undefined || !isPaged(first)) return undefined;
    const { page } = first;
    const isWhole =
      page.count === this.#bodies.length &&
      this.#bodies.every(
        (body, index) => isPaged(body) && body.page === page && body.index === index,
      );
    return isWhole ? page : undefined;
  }

  #copied(): BodyPage {
    const page = new BodyPage(BodyPage.sizeOf(this.#bodies));
    for (const body of this.#bodies) page.add(body);
    return page;
  }
}

function isPaged(body: JsonBody | null): body is PagedBody {
  return typeof body === 'object' && body !== null;
}

function elementOf(body: JsonBody | null): string {
  if (body === null) return 'NULL';
  const text = typeof body === 'string' ? body : body.bytes.toString();
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** A parameter as a client is given it. @param asBytes whether that client hands on bytes */
export function sendable(value: unknown, asBytes: boolean): unknown {
  if (!(value instanceof JsonBodies)) return value;
  return asBytes ? value.bytes() : value.text();
}
