import { sha256 } from '../../kernel/ids.ts';
import type { Database } from '../../store/database.ts';
import { readBodyTexts } from '../../store/statements/transfer/read-body-texts.ts';
import { bodiesNamedBy } from './body-ledger.ts';
import type { SourcedEvent } from '../log-source.ts';

/** An event as the log has it: bodies lie beside it. */
export type Bodiless = Omit<SourcedEvent, 'payload' | 'result'>;

/** Bytes of bodies that are held at the most; of one job more where that alone has more. */
const BODY_BYTES = 4 * 1_048_576;

/** Adds the bodies that events name, as far as they are still there; so many bytes at a time. */
export async function* withBodies(
  database: Database,
  page: readonly Bodiless[],
): AsyncGenerator<SourcedEvent> {
  const wishes = page.map(({ event }) => {
    const { payloadHash, resultHash } = bodiesNamedBy(event);
    return {
      id: event.streamId,
      payload: payloadHash !== undefined,
      result: resultHash !== undefined,
    };
  });
  const wanted = [...wishes.entries()].filter(([, { payload, result }]) => payload || result);
  const bodies = new Map<number, { payload: string | null; result: string | null }>();
  let told = 0;
  const tell = function* (upTo: number): Generator<SourcedEvent> {
    for (; told < upTo; told += 1) {
      const { payload = null, result = null } = bodies.get(told) ?? {};
      const each = page[told];
      if (each === undefined) return;
      const { payloadHash, resultHash } = bodiesNamedBy(each.event);
      yield { ...each, payload: ifFits(payload, payloadHash), result: ifFits(result, resultHash) };
      bodies.delete(told);
    }
  };
  for (let from = 0; from < wanted.length; ) {
    const rest = wanted.slice(from);
    const wish = { wishes: rest.map(([, each]) => each), bytes: BODY_BYTES };
    const rows = await database.run(readBodyTexts, wish);
    for (const { n, payload, result } of rows) {
      bodies.set(rest[n - 1]?.[0] ?? -1, { payload, result });
    }
    // Of jobs behind the last one nothing is known yet; those without a row have none.
    const read = rows.at(-1)?.n ?? rest.length;
    from += read;
    yield* tell((rest[read - 1]?.[0] ?? page.length) + 1);
  }
  yield* tell(page.length);
}

/** A body that was replaced meanwhile is not the one that the event names. */
function ifFits(text: string | null, hash: string | undefined): string | null {
  return text !== null && sha256(text) === hash ? text : null;
}
