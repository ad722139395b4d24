import { defineStatement, now } from '../statement.ts';

/** Ends a session; the caretaker takes back what it still holds. Locks: the session row. */
export const endSession = defineStatement<
  { readonly tenantId: number; readonly session: string },
  { id: string }
>({
  name: 'end-session',
  sql: (schema) => `
    update ${schema}.worker_sessions set ended_at = ${now}
    where id = $2 and tenant_id = $1 and ended_at is null
    returning id`,
  values: ({ tenantId, session }) => [tenantId, session],
});
