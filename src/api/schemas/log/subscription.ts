import { z } from 'zod';
import {
  subscriptionDefaults,
  subscriptionLimits,
} from '../../../consumers/groups/subscription.ts';
import { eventTypes, isEventType } from '../../../domain/event-types.ts';
import { isKey } from '../../../domain/job/new-job.ts';
import { parseLogToken, parsePosition } from '../../../domain/log-token.ts';
import { isStorable } from '../../../domain/storable-text.ts';
import { msField, nameField, positionField, shownTime, uuidField } from '../fields.ts';
import { described, named } from '../registry.ts';

const { ackTimeoutMs, maxAttempts, maxInFlight } = subscriptionLimits;

/** Values of one field of a filter. */
function values<Schema extends z.ZodType>(schema: Schema, description: string) {
  return described(z.array(schema).min(1).max(100).optional(), description);
}

const printable = z
  .string()
  .refine(isKey, 'must be 1 to 255 printable characters')
  .refine(isStorable, 'must not hold NUL or half characters');

const eventFilterSchema = named(
  'EventFilter',
  z.strictObject({
    eventTypes: values(
      z.string().refine(isEventType, `must be one of ${eventTypes.join(', ')}`),
      'Types of events, such as JobFailed.',
    ),
    queues: values(nameField, 'Queues; one that does not exist yet fits once it does.'),
    jobTypes: values(nameField, 'Types of jobs; events of queues have none.'),
    jobs: values(uuidField, 'Ids of jobs.'),
    tags: values(printable, 'Tags of the job at that moment; one of those given is enough.'),
    correlations: values(printable, 'The whole chain of work, across jobs.'),
  }),
  'Which events: those that fit every field that is given, each by any one of its values.',
);

const time = z.iso.datetime({ offset: true });

/** A place in the log, as a text. */
const placeField = described(
  z
    .string()
    .max(40)
    .refine(
      (text) =>
        text === 'beginning' ||
        text === 'now' ||
        parsePosition(text) !== undefined ||
        parseLogToken(text) !== undefined ||
        time.safeParse(text).success,
      'must be `beginning`, `now`, a position, a log token or a time as in RFC 3339',
    ),
  '`beginning`, `now` (what is written from now on), a position or log token (what comes after it) or a time (from then on).',
  { examples: ['beginning'] },
);

/** Settings that can be changed. */
const changeable = {
  filter: eventFilterSchema,
  ackTimeoutMs: msField(
    ackTimeoutMs.min,
    ackTimeoutMs.max,
    'How long a member has for an event; then it is handed out again.',
  ),
  maxAttempts: described(
    z.int().min(1).max(maxAttempts),
    'How often an event is handed out before it is parked.',
  ),
  maxInFlight: described(
    z.int().min(1).max(maxInFlight),
    'Events handed out and not answered at the same time, over all members.',
  ),
};
const order = described(
  z.enum(['stream', 'none']),
  '`stream`: an event is handed out once all earlier ones of its job that fit the filter are acked or skipped. `none`: without waiting for any.',
);

export const newSubscriptionSchema = named(
  'NewSubscription',
  z.strictObject({
    filter: changeable.filter.default(subscriptionDefaults.filter),
    order: order.default(subscriptionDefaults.order),
    startFrom: placeField.default(subscriptionDefaults.startFrom),
    ackTimeoutMs: changeable.ackTimeoutMs.default(subscriptionDefaults.ackTimeoutMs),
    maxAttempts: changeable.maxAttempts.default(subscriptionDefaults.maxAttempts),
    maxInFlight: changeable.maxInFlight.default(subscriptionDefaults.maxInFlight),
  }),
  'What a subscription is made of.',
  {
    examples: [{ filter: { eventTypes: ['JobDead'], queues: ['emails'] }, startFrom: 'beginning' }],
  },
).nullish();

export const subscriptionChangeSchema = named(
  'SubscriptionChange',
  z
    .strictObject({
      filter: changeable.filter.optional(),
      ackTimeoutMs: changeable.ackTimeoutMs.optional(),
      maxAttempts: changeable.maxAttempts.optional(),
      maxInFlight: changeable.maxInFlight.optional(),
    })
    .refine((change) => Object.keys(change).length > 0, 'must change something'),
  'What to change; what is left out stays as it is. A filter counts for events not yet read.',
  { examples: [{ ackTimeoutMs: 60_000 }] },
);

export const resetSchema = named(
  'Reset',
  z.strictObject({ to: placeField }),
  'Where to begin anew.',
  { examples: [{ to: 'beginning' }] },
);

const count = z.int();
const state = {
  name: nameField,
  ...changeable,
  order,
  startFrom: described(z.string(), 'Where it began when it was made.'),
  position: described(positionField, 'Every event up to it that fits is acked or skipped.'),
  readPosition: described(positionField, 'Every event up to it has been looked at.'),
  head: described(positionField, 'The last position of the log.'),
  epoch: described(z.int(), 'Of the log, when it last got on.'),
  lagEvents: described(
    count,
    'Positions behind the head, parked events left out; under a filter an upper bound.',
  ),
  lagSeconds: described(z.number(), 'For how long the first of them has been in the log.'),
  moving: described(
    z.boolean(),
    'It has nothing to do, or got on within the last 10 s (or `ackTimeoutMs`, if longer). Alarm on lag that does not move.',
  ),
  halted: described(
    z.enum(['ahead', 'full']).nullable(),
    'Why it hands out nothing until somebody acts: errors subscription-ahead and subscription-full.',
  ),
  inFlight: described(count, 'Handed out and not answered.'),
  waiting: described(count, 'To be handed out now, or again after a pause.'),
  behind: described(count, 'Read, and behind an earlier event of their job.'),
  parked: described(count, 'Put aside for a person to look at.'),
  createdAt: shownTime,
  movedAt: described(shownTime, 'When it last got on.'),
  askedAt: described(shownTime.nullable(), 'When a member last asked, give or take 10 s.'),
};

export const subscriptionSchema = named(
  'Subscription',
  z.strictObject(state),
  'A subscription, how far it is, and whether it gets on.',
);
export const subscriptionDetailSchema = named(
  'SubscriptionDetail',
  z.strictObject({
    ...state,
    members: described(
      z.array(
        z.strictObject({
          member: z.string(),
          inFlight: count,
          nextDeadline: described(shownTime, 'When the first of them must be answered.'),
        }),
      ),
      'Who holds events.',
    ),
  }),
  'A subscription with its members.',
);
export const subscriptionsSchema = named(
  'Subscriptions',
  z.strictObject({ data: z.array(subscriptionSchema) }),
  'By name.',
);
