import { defineStatement } from '../statement.ts';

/** How long the present transaction may wait for a lock, in ms; answers what it was before. */
export const setLockTimeout = defineStatement<{ readonly timeout: string }, { before: string }>({
  name: 'set-lock-timeout',
  sql: () => `
    select before, set_config('lock_timeout', $1, true)
    from (select current_setting('lock_timeout') as before offset 0) was`,
  values: ({ timeout }) => [timeout],
});
