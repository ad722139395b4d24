import { z } from 'zod';
import { positionField, shownTime, uuidField } from './fields.ts';
import { described, named } from './registry.ts';

export const verifyBody = named(
  'Verify',
  z.strictObject({
    bodies: described(
      z.boolean().optional(),
      'Also read payloads and results, to compare them with their hashes; default true.',
    ),
  }),
  'What to look at.',
).nullish();

const anything = z.unknown();

const differenceSchema = named(
  'Difference',
  z.strictObject({
    kind: described(z.string(), 'What it is about; docs/guides/verify.md lists the kinds.'),
    table: described(z.string(), 'The table or read model in which it is.'),
    key: described(z.string(), 'What tells the row: the id of a job or stream, a position.'),
    version: described(z.int().nullable(), 'Of an event: its place in the stream.'),
    position: described(positionField.nullable(), 'Of an event: its place in the log.'),
    column: z.string().nullable(),
    expected: described(anything, 'What the log says.'),
    found: described(anything, 'What is there.'),
  }),
  'One thing that is not as the log says.',
);

const reportSchema = named(
  'VerificationReport',
  z.strictObject({
    equal: described(z.boolean(), 'Nothing differs.'),
    differences: described(z.array(differenceSchema), 'The first hundred.'),
    counts: described(z.record(z.string(), z.int()), 'All differences, by kind.'),
    checked: described(
      z.strictObject({
        position: positionField,
        events: z.int(),
        batches: z.int(),
        jobs: z.int(),
        queues: z.int(),
        claimRows: z.int(),
        deadRows: z.int(),
        payloadRows: z.int(),
        readModels: z.array(
          z.strictObject({ name: z.string(), table: z.string(), rows: z.int().nullable() }),
        ),
      }),
      'What was looked at; `rows` of a table of a read model is null while it is not built.',
    ),
    tookMs: z.int(),
  }),
  'What a verification found.',
);

export const verificationSchema = named(
  'Verification',
  z.strictObject({
    id: uuidField,
    state: z.enum(['running', 'finished', 'failed']),
    startedAt: shownTime,
    progress: described(
      z
        .strictObject({ phase: z.enum(['log', 'streams']), events: z.int(), of: z.int() })
        .nullable(),
      'First the log is read in its order, then its streams.',
    ),
    report: reportSchema.nullable(),
    failure: described(
      z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
      'Why it could not run to its end.',
    ),
  }),
  'A proof that the tables are what the log says, on its way or ended.',
);
