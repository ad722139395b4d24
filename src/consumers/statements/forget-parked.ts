import { defineStatement } from '../../store/statement.ts';

/** Takes parked events out that were handled after all. Locks: their rows. Index: parked_events_pkey. */
export const forgetParked = defineStatement<
  { readonly consumer: string; readonly build: number; readonly positions: readonly bigint[] },
  never
>({
  name: 'forget-parked',
  sql: (schema) => `
    delete from ${schema}.parked_events p
    where p.consumer = $1 and p.build = $2 and p.position = any ($3::bigint[])`,
  values: ({ consumer, build, positions }) => [consumer, build, positions],
});
