import { defineStatement, type Statement } from '../../statement.ts';

/**
 * Keeps the views of read models, and the tables below them, as they are until the transaction ends.
 * Before its snapshot: a view that turned to another build between the snapshot and its first reading
 * would show that build at a moment at which it was not yet the live one.
 * Locks: views and tables ACCESS SHARE, as every reader does.
 */
export function lockViews(views: readonly string[]): Statement<Record<string, never>, never> {
  return defineStatement({
    name: `lock-views-${views.join('-')}`,
    sql: (schema) =>
      `lock table ${views.map((view) => `${schema}.${view}`).join(', ')} in access share mode`,
    values: () => [],
  });
}
