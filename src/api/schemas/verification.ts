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
    safety: described(
      z.boolean().optional(),
      'Also decide from the log whether what must never happen did; default false.',
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

const violationSchema = named(
  'Violation',
  z.strictObject({
    rule: described(z.string(), 'The rule that is broken; docs/guides/verify.md lists the rules.'),
    streamId: described(uuidField.nullable(), 'Of the job or queue.'),
    version: described(z.int().nullable(), 'Of the event that shows it: its place in the stream.'),
    position: described(positionField.nullable(), 'Its place in the log.'),
    detail: described(z.string(), 'What is wrong, in words.'),
  }),
  'One thing that must never happen, and did.',
);

const safetySchema = named(
  'SafetyReport',
  z.strictObject({
    safe: described(z.boolean(), 'No rule is broken.'),
    violations: described(z.array(violationSchema), 'The first hundred.'),
    counts: described(z.record(z.string(), z.int()), 'All violations, by rule.'),
    facts: z.strictObject({
      events: z.int(),
      jobs: z.int(),
      claims: z.int(),
      interrupted: described(z.int(), 'Claims that ended without an outcome.'),
      live: described(z.int(), 'Jobs that wait or run at the end of the log.'),
      completed: z.int(),
      cancelled: z.int(),
      dead: described(z.record(z.string(), z.int()), 'By the reason of their death.'),
      witnessed: described(z.null(), 'For records of clients, which only the library takes.'),
    }),
  }),
  'What the log shows of what must never happen.',
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
    safety: described(safetySchema.nullable(), 'Null where it was not asked for.'),
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
