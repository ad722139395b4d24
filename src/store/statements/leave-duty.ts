import { defineStatement } from '../statement.ts';

/** Gives a duty up, so that the next holder need not wait for the lease to lapse. */
export const leaveDuty = defineStatement<
  { readonly duty: string; readonly holder: string },
  { name: string }
>({
  name: 'leave-duty',
  sql: (schema) => `delete from ${schema}.duties where name = $1 and holder = $2 returning name`,
  values: ({ duty, holder }) => [duty, holder],
});
