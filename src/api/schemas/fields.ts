import { z } from 'zod';
import { isKey, jobLimits } from '../../domain/job/new-job.ts';
import { parsePosition } from '../../domain/log-token.ts';
import { namePattern } from '../../domain/names.ts';
import { uuidPattern } from '../../kernel/uuid.ts';
import type { Moment } from '../../commands/read/moment.ts';
import { isStorable } from '../../domain/storable-text.ts';
import { described, named } from './registry.ts';

/** Of a queue or a type. */
export const nameField = described(
  z.string().regex(namePattern, 'must be 1 to 64 of a-z, 0-9, dot, underscore and hyphen'),
  '1 to 64 of a-z, 0-9, dot, underscore and hyphen.',
  { examples: ['emails'] },
);

export const uuidField = described(
  z.string().regex(uuidPattern, 'must be a UUID in lower case'),
  'A UUID in lower case.',
  { examples: ['0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11'] },
);

/** A text of 1 to 255 printable characters: keys, names of people and workers. */
export function keyField(description: string): z.ZodString {
  const schema = z.string().min(1).max(jobLimits.keyLength);
  return described(schema.refine(isKey, 'must be printable'), description);
}

/** A header of printable ASCII: bytes beyond it would arrive in whatever encoding was guessed. */
export function headerField(description: string): z.ZodString {
  const schema = z.string().regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 of printable ASCII');
  return described(schema, description);
}

export const reasonField = described(
  z.string().max(jobLimits.reasonLength).refine(isStorable, 'must not hold NUL or half characters'),
  'Why; kept in the history.',
  { examples: ['the provider was down'] },
);

/** The body of a verb that needs none. */
export const reasonBody = named(
  'Reason',
  z.strictObject({ reason: reasonField.optional() }),
  'Why.',
).nullish();

/** A whole number of ms within limits. */
export function msField(min: number, max: number, description: string): z.ZodInt {
  return described(z.int().min(min).max(max), description);
}

/** A time in a request: RFC 3339 with any offset, read as ms since the epoch. */
export const timeField = described(
  z.iso
    .datetime({ offset: true, error: 'must be a time as in RFC 3339' })
    .transform((text) => Date.parse(text))
    .refine((ms) => ms >= 0, 'must not be before 1970')
    .refine((ms) => ms <= jobLimits.latestMs, 'must be a time before year 10000, in UTC'),
  'A time as in RFC 3339.',
  { examples: ['2030-01-31T09:30:00.000Z'] },
);

/** A time in an answer. */
export const shownTime = described(z.string(), 'A time as in RFC 3339, UTC, with milliseconds.', {
  format: 'date-time',
  examples: ['2026-11-22T09:30:00.000Z'],
});

export const positionField = described(
  z.string().regex(/^\d{1,19}$/),
  'A place in the log, from 1, as a decimal string: it may be larger than a JSON number can say.',
  { examples: ['48151623'] },
);

/** A position in a request: one that a bigint of Postgres can say. */
export const askedPosition = z
  .string()
  .regex(/^\d{1,19}$/, 'must be a position')
  .refine((text) => parsePosition(text) !== undefined, 'must be a position')
  .transform(BigInt);

export const asOfSchema = named(
  'Moment',
  z.strictObject({
    position: described(z.string(), 'Everything up to this position of the log has happened.'),
    time: described(z.string(), 'What time it is then: tells what is due.', {
      format: 'date-time',
    }),
  }),
  'The moment that an answer is about.',
);

export const tokenField = described(
  z.string(),
  'A write token: names the newest event of the job or queue, also before it has a position.',
  { examples: ['1.0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11.1'] },
);

/** How new a list must be at least; the list waits for it up to a second. */
export const freshnessFields = {
  after: described(z.string().max(100).optional(), 'The token of a write to a job.'),
  minPosition: described(askedPosition.optional(), 'A position of the log.', {
    examples: ['48151623'],
  }),
};

/** Up to where a list goes. */
export const asOfField = described(
  z.strictObject({ position: z.string(), time: shownTime.optional() }),
  'The answer shows at least everything up to this position of the log; with `at` exactly that.',
);

/** The name of an error, as failure groups have it. */
export const fingerprintField = described(
  z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits in lower case'),
  'What tells errors apart: of type, name, and message without what is fleeting in it.',
  { examples: ['5f1c2b1e9d0c4e0fa3b75a1d8c4e7f20'] },
);

export const priorityField = described(z.int().min(0).max(9), '0 runs first, 9 last.');

export const tagsField = described(
  z
    .array(z.string().min(1).max(jobLimits.tagLength).refine(isKey, 'must be printable'))
    .max(jobLimits.tags),
  'Up to 20 texts to find the job by.',
  { examples: [['welcome', 'tenant:42']] },
);

/** ms since the epoch as an answer shows them. */
export function shownMs(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same for a time that may be missing. */
export function shownMsOrNull(ms: number | null): string | null {
  return ms === null ? null : shownMs(ms);
}

/** How an answer tells its moment. */
export function asOfView({ position, timeMs }: Moment): z.output<typeof asOfSchema> {
  return { position: position.toString(), time: shownMs(timeMs) };
}
