import { defineStatement, now } from '../../store/statement.ts';

/**
 * Notes that a member asks, at most once in ten seconds. Locks: the subscription's row.
 * Index: subscriptions_pkey.
 */
export const noteAsked = defineStatement<{ readonly subscriptionId: bigint }, never>({
  name: 'note-asked',
  sql: (schema) => `
    update ${schema}.subscriptions s set asked_at = ${now}
    where s.id = $1 and (s.asked_at is null or s.asked_at < ${now} - interval '10 seconds')`,
  values: ({ subscriptionId }) => [subscriptionId],
});
