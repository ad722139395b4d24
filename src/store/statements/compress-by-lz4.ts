import { defineStatement } from '../statement.ts';

/**
 * Lets the present session compress by lz4 what it writes, where the server has it, and nobody has set
 * anything else. Of a job with 10 KB pglz takes a fifth to a third of the server's time (docs/decisions/0025).
 */
export const compressByLz4 = defineStatement<Record<string, never>, never>({
  name: 'compress-by-lz4',
  sql: () => `
    select set_config('default_toast_compression', 'lz4', false) from pg_settings
    where name = 'default_toast_compression' and source = 'default' and 'lz4' = any (enumvals)`,
  values: () => [],
});
