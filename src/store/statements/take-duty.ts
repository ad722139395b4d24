import { defineStatement, now } from '../statement.ts';

/**
 * Takes or keeps a duty for `leaseMs`. Answers a row if this holder has it now. A row, not a session
 * lock: a stopped process held one of those past 40 s, and poolers leak them.
 */
export const takeDuty = defineStatement<
  { readonly duty: string; readonly holder: string; readonly leaseMs: number },
  { held_until: number }
>({
  name: 'take-duty',
  sql: (schema) => `
    insert into ${schema}.duties as d (name, holder, held_until)
    values ($1, $2, ${now} + $3 * interval '1 ms')
    on conflict (name) do update set holder = excluded.holder, held_until = excluded.held_until
    where d.holder = excluded.holder or d.held_until < statement_timestamp()
    returning held_until`,
  values: ({ duty, holder, leaseMs }) => [duty, holder, leaseMs],
});
