import { z } from 'zod';
import { countedNames, type Counted } from '../../projections/job-metrics/table.ts';
import { asOfField, shownTime } from '../schemas/fields.ts';
import { described, named } from '../schemas/registry.ts';

const counted = (schema: z.ZodType<number>) =>
  z.strictObject(
    Object.fromEntries(countedNames.map((name) => [name, schema])) as Record<
      Counted,
      typeof schema
    >,
  );

const quantiles = (description: string) =>
  described(
    z.strictObject({ p50: z.int(), p95: z.int(), p99: z.int() }).nullable(),
    `${description} Each at most 19 % off. Null where there was none.`,
  );

export const statsSchema = named(
  'Stats',
  z.strictObject({
    data: z.array(
      z.strictObject({
        from: shownTime,
        to: described(shownTime, 'The end of the bucket; of one that is not over, now.'),
        queue: described(z.string().optional(), 'With `groupBy=queue`.'),
        type: described(z.string().optional(), 'With `groupBy=type`.'),
        counts: described(counted(z.int()), 'Events.'),
        perSecond: described(counted(z.number()), 'The same, by the time between `from` and `to`.'),
        waitMs: quantiles('For how long jobs that were started had been due.'),
        runMs: quantiles('How long claims lasted, whatever ended them.'),
      }),
    ),
    from: described(shownTime, 'Where the first bucket begins.'),
    to: described(shownTime, 'Where the last bucket ends.'),
    step: z.enum(['minute', 'hour', 'day']),
    asOf: asOfField,
  }),
  'By time, then queue and type. Buckets in which nothing happened are left out.',
);
