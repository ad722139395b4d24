import { DaybookError } from '../kernel/errors.ts';

/**
 * The Postgres that the environment names.
 * @throws DaybookError `invalid-options` where it names none
 */
export function databaseUrl(): string {
  const url = process.env['DATABASE_URL'];
  if (url !== undefined && url !== '') return url;
  throw new DaybookError(
    'invalid-options',
    'DATABASE_URL is not set: name the Postgres to use, as postgres://user:password@host/database.',
  );
}
