import { z } from 'zod';
import { type At, type Moment, resolveAt } from '../../commands/read/moment.ts';
import type { Projection } from '../../consumers/consumer.ts';
import { listLags } from '../../consumers/lag.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { Api } from '../dependencies.ts';
import { timeField } from '../schemas/fields.ts';
import { described } from '../schemas/registry.ts';

const POSITION = /^\d{1,19}$/;

/** The query parameter `at`. */
export const atField = described(
  z.string().transform((text, check): At => {
    if (POSITION.test(text)) return BigInt(text);
    const time = timeField.safeParse(text);
    if (time.success) return new Date(time.data);
    check.addIssue({ code: 'custom', message: 'must be a time as in RFC 3339, or a position' });
    return z.NEVER;
  }),
  'The moment to read as of: a time as in RFC 3339, or a position of the log.',
  { examples: ['2026-11-22T09:30:00.000Z', '48151623'] },
);

/** How long a read waits for its read model, in ms. */
const WAIT_MS = 1_000;
const LOOK_EVERY_MS = 25;

/**
 * Resolves `at` to a position, once, and waits until the read models that the answer is made from
 * have read up to there.
 * @throws DaybookError those of `resolveAt`, and those of `untilRead`
 */
export async function momentOf(
  api: Api,
  at: At,
  projections: readonly Projection[],
): Promise<Moment> {
  const moment = await resolveAt(api.context.database, at);
  await untilRead(api, moment, projections);
  return moment;
}

/**
 * Waits until read models know a moment.
 * @throws DaybookError `projection-behind` after a second, and at once where the live build is of an
 *   older version, which does not keep the past
 */
export async function untilRead(
  { context, clock }: Api,
  { position }: Moment,
  projections: readonly Projection[],
): Promise<void> {
  const deadline = clock.elapsedMs() + WAIT_MS;
  for (;;) {
    const lags = await listLags(context.database);
    const behind = projections.find((projection) => {
      const live = lags.find(({ name, role }) => name === projection.name && role === 'live');
      if (live !== undefined && live.version < projection.version) throw beingBuilt(projection);
      return live === undefined || live.position < position;
    });
    if (behind === undefined) return;
    if (clock.elapsedMs() > deadline) {
      throw new DaybookError('projection-behind', `"${behind.name}" has not read that far yet.`);
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}

function beingBuilt({ name }: Projection): DaybookError {
  return new DaybookError('projection-behind', `"${name}" is being built anew, for the past too.`);
}

/**
 * Refuses parameters that only make sense in the present, by their names in the query.
 * @throws DaybookError `invalid-request` if one is given
 */
export function onlyAt(present: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(present).find((name) => present[name] !== undefined);
  if (given === undefined) return;
  const message = 'cannot stand together with at';
  throw new DaybookError('invalid-request', `/query/${given}: ${message}.`, {
    fields: [{ pointer: `/query/${given}`, message }],
  });
}
