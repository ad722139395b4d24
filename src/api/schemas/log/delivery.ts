import { z } from 'zod';
import { subscriptionLimits } from '../../../consumers/groups/subscription.ts';
import { isStorable } from '../../../domain/storable-text.ts';
import { cloudEventSchema } from './events.ts';
import { keyField, msField, positionField, shownTime, uuidField } from '../fields.ts';
import { described, named } from '../registry.ts';

const { receive, delayMs, reasonLength } = subscriptionLimits;

const deliveryField = described(
  z.string().max(100),
  'Names this handing out of the event: give it with the answer.',
  { examples: ['48151623.0198e0f2-6f2c-4cc3-98c1-2f5d4c1a7b11'] },
);

export const receiveSchema = named(
  'ReceiveRequest',
  z.strictObject({
    member: keyField('Who asks, as GET /v1/subscriptions/{name} calls it.'),
    limit: described(z.int().min(1).max(receive).default(100), 'Events at the most.'),
    waitMs: msField(0, 30_000, 'How long to wait for an event where there is none.').default(0),
  }),
  'Who wants how many events.',
  { examples: [{ member: 'billing-1', limit: 100, waitMs: 20_000 }] },
);

export const receivedSchema = named(
  'Received',
  z.strictObject({
    deliveries: z.array(
      z.strictObject({
        delivery: deliveryField,
        attempt: described(z.int(), 'How often it has been handed out, this time included.'),
        deadline: described(shownTime, 'Until when it is to be answered.'),
        event: cloudEventSchema,
      }),
    ),
    caughtUp: described(
      z.boolean(),
      'The log has been read to its end. False: ask again, there may be more.',
    ),
  }),
  'Events by position, none if there was none in time.',
);

/** A list in which no delivery stands twice. */
function itemsOf<Item extends z.ZodObject>(id: string, item: Item, description: string) {
  const items = z
    .array(item)
    .min(1)
    .max(receive)
    .superRefine((given, context) => {
      const seen = new Set<unknown>();
      for (const [index, { delivery }] of (given as { delivery: string }[]).entries()) {
        if (seen.has(delivery)) {
          const message = 'stands twice among the items';
          context.addIssue({ code: 'custom', path: [index, 'delivery'], message });
        }
        seen.add(delivery);
      }
    });
  return named(id, z.strictObject({ items }), description);
}

export const acksSchema = itemsOf(
  'Acks',
  z.strictObject({ delivery: deliveryField }),
  'Events that are done with.',
);

export const nacksSchema = itemsOf(
  'Nacks',
  z.strictObject({
    delivery: deliveryField,
    action: described(
      z.enum(['retry', 'park', 'skip']),
      '`retry`: hand it out again after a pause, or park it once it was handed out `maxAttempts` times. `park`: put it aside for a person to look at. `skip`: give it up.',
    ),
    delayMs: msField(
      0,
      delayMs,
      'The pause before a retry; left out, 1 s that doubles with each attempt up to 5 min.',
    ).optional(),
    reason: described(
      z.string().max(reasonLength).refine(isStorable, 'must not hold NUL or half characters'),
      'Why; shown with parked events.',
    ).optional(),
  }),
  'Events that could not be handled.',
);

export const deliveryOutcomesSchema = named(
  'DeliveryOutcomes',
  z.strictObject({
    items: z.array(
      z.strictObject({
        delivery: deliveryField,
        outcome: described(
          z.enum(['recorded', 'already-recorded', 'delivery-lost']),
          '`delivery-lost`: the event was handed out anew after its deadline, or taken away by a reset or an operator, or was answered a while ago. Nothing was recorded.',
        ),
        state: described(
          z.enum(['settled', 'waiting', 'parked']).optional(),
          'What a recorded answer made of the event.',
        ),
      }),
    ),
  }),
  'What became of each item, in the order given.',
);

export const parkedDeliveriesSchema = named(
  'ParkedDeliveries',
  z.strictObject({
    data: z.array(
      z.strictObject({
        position: positionField,
        streamId: described(uuidField, 'The job (or queue) whose event it is.'),
        type: described(z.string().nullable(), 'Null for one that a newer version wrote.'),
        queue: z.string(),
        state: described(z.enum(['parked', 'behind']), '`behind`: waits for a parked one.'),
        attempts: described(z.int(), 'How often it was handed out.'),
        member: described(z.string().nullable(), 'Who had it last.'),
        reason: z.string().nullable(),
        parkedAt: shownTime,
      }),
    ),
    nextAfter: described(positionField.optional(), 'Pass it as `after` for the next page.'),
  }),
  'What a subscription has put aside, by position.',
);

export const parkedChangeSchema = named(
  'ParkedChange',
  z.strictObject({
    streamId: described(uuidField.optional(), 'Only what is parked of this job (or queue).'),
  }),
  'Which parked events; all of them where nothing is said.',
).nullish();

export const parkedChangedSchema = named(
  'ParkedChanged',
  z.strictObject({ changed: z.int() }),
  'How many parked events were changed.',
);
