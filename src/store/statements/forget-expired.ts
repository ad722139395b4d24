import { defineStatement } from '../statement.ts';

/** Forgets idempotency keys past their time and sessions settled a day ago, in small bites. */
export const forgetExpired = defineStatement<{ readonly limit: number }, { forgotten: number }>({
  name: 'forget-expired',
  sql: (schema) => `
    with old_keys as (
      delete from ${schema}.idempotency_keys k where k.ctid = any (array(
        select e.ctid from ${schema}.idempotency_keys e
        where e.expires_at < statement_timestamp() - interval '1 minute'
        order by e.expires_at limit $1 for update skip locked))
      returning 1
    ),
    old_sessions as (
      delete from ${schema}.worker_sessions s
      where s.settled and s.ended_at < statement_timestamp() - interval '1 day'
      returning 1
    )
    select ((select count(*) from old_keys) + (select count(*) from old_sessions))::int
      as forgotten`,
  values: ({ limit }) => [limit],
});
