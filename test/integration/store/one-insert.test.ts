import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Statement } from '../../../src/store/statement.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const folder = new URL('../../../src/store/statements/', import.meta.url);

/** Statements whose insert brings several events of one stream: those must order by version, too. */
const severalPerStream = new Set(['commit-decisions', 'expire-claims']);
/** Statements that change one row, named by a unique key, so that there is nothing to order. */
const singleRow = new Set(['change-queue']);

const statements: Statement<never, unknown>[] = [];
for (const file of await readdir(folder, { recursive: true })) {
  if (!file.endsWith('.ts')) continue;
  const module = (await import(new URL(file, folder).href)) as Record<string, unknown>;
  for (const value of Object.values(module)) if (isStatement(value)) statements.push(value);
}

function isStatement(value: unknown): value is Statement<never, unknown> {
  return typeof value === 'object' && value !== null && 'sql' in value && 'values' in value;
}

/** What an insert into the inbox writes, and in which order. */
interface InboxInsert {
  readonly stream: string;
  readonly version: string;
  readonly order: readonly string[];
}

/** The inserts into event_inbox of a statement, however it is written. */
function inboxInserts(sql: string): InboxInsert[] {
  const text = sql
    .replaceAll(/--[^\n]*/g, '')
    .replaceAll(/\s+/g, ' ')
    .toLowerCase();
  return [...text.matchAll(/insert into "s"\.event_inbox\b/g)].map(({ index }) => {
    const insert = untilClosed(text.slice(index));
    const parts = /event_inbox \((?<columns>[^)]*)\) select (?<rest>.*)$/.exec(insert)?.groups;
    const columns = splitTop(parts?.['columns'] ?? '');
    const [selected = '', rest = ''] = cutTop(parts?.['rest'] ?? '', ' from ');
    const values = splitTop(selected);
    const [, order = ''] = cutTop(rest, ' order by ');
    const at = (column: string) => values[columns.indexOf(column)] ?? `no ${column}`;
    return {
      stream: at('stream_id'),
      version: at('version'),
      order: splitTop(cutTop(order, ' returning ')[0] ?? ''),
    };
  });
}

/** How far a character leads into parentheses. */
const step: Readonly<Record<string, number>> = { '(': 1, ')': -1 };

/** The text up to the parenthesis that closes what is around it. */
function untilClosed(text: string): string {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    depth += step[text.charAt(index)] ?? 0;
    if (depth < 0) return text.slice(0, index);
  }
  return text;
}

/** Cuts at the first `mark` that stands in no parentheses. */
function cutTop(text: string, mark: string): [string, string] | [string] {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    depth += step[text.charAt(index)] ?? 0;
    if (depth === 0 && text.startsWith(mark, index)) {
      return [text.slice(0, index), text.slice(index + mark.length)];
    }
  }
  return [text];
}

function splitTop(text: string): string[] {
  const [first = '', rest] = cutTop(text, ',');
  return rest === undefined ? [first.trim()] : [first.trim(), ...splitTop(rest)];
}

/** What is wrong with a statement; nothing, if it keeps the rule. */
function faults({ name, sql }: Pick<Statement<never, unknown>, 'name' | 'sql'>): string[] {
  const inserts = inboxInserts(sql('"s"'));
  if (inserts.length > 1) return [`${name} inserts ${inserts.length} times`];
  return inserts.flatMap(({ stream, version, order }) => {
    if (singleRow.has(name)) return [];
    const [first, second] = order;
    const found: string[] = [];
    if (first !== stream) found.push(`${name} orders by ${first}, not by the stream ${stream}`);
    if (severalPerStream.has(name) && (second === undefined || !version.includes(second))) {
      found.push(`${name} orders by ${second}, not by the version ${version}`);
    }
    return found;
  });
}

describe('the inbox', () => {
  it('numbers what two inserts of one statement bring in reverse', async () => {
    const db = await createTestDatabase();
    const insert = (version: number) =>
      `insert into ${db.schema}.event_inbox (occurred_at, stream_id, version, queue_id, type)
       values (now(), '${'0'.repeat(8)}-0000-0000-0000-000000000000', ${version}, 1, 1)`;
    await db.database.pool.query(`with a as (${insert(1)}), b as (${insert(2)}) select 1`);
    const { rows } = await db.database.pool.query<{ version: number }>(
      `select version from ${db.schema}.event_inbox order by seq`,
    );
    expect(rows.map(({ version }) => version)).toEqual([2, 1]);
    await db.drop();
  });

  it('is written by the statements that this test knows how to read', () => {
    const writing = statements.filter(({ sql }) => inboxInserts(sql('"s"')).length > 0);
    expect(writing.map(({ name }) => name).toSorted()).toEqual([
      'change-queue',
      'claim-jobs',
      'commit-decisions',
      'complete-jobs',
      'complete-unlocked-jobs',
      'create-queues',
      'expire-claims',
      'submit-fresh-jobs',
      'submit-jobs',
    ]);
    const mentioned = statements.filter(({ sql }) => /insert\s+into\s+\S*inbox/i.test(sql('"s"')));
    expect(mentioned.length).toBe(writing.length);
  });

  it('gets one insert per statement, in the order of streams and versions', () => {
    expect(statements.length).toBeGreaterThan(30);
    expect(statements.flatMap((statement) => faults(statement))).toEqual([]);
  });

  const insert = 'insert into "s".event_inbox (occurred_at, stream_id, version)';
  it.each([
    [
      'two inserts',
      `with a as (${insert} select 1, a, b from c order by a), d as (${insert} select 1, a, b from c order by a) select 1`,
    ],
    ['no order', `with a as (${insert} select now(), a, b from c) select b from d order by a`],
    [
      'another order',
      `${insert} select now(), a.id, b from (select id from c order by id) a order by b`,
    ],
  ])('is seen to be written wrongly: %s', (_, sql) => {
    expect(faults({ name: 'wrong', sql: () => sql })).toHaveLength(1);
  });

  it('is seen to be written wrongly: versions of one stream in no order', () => {
    const sql = () => `${insert} select now(), e.id, e.version from e order by e.id returning *`;
    expect(faults({ name: 'commit-decisions', sql })).toHaveLength(1);
    expect(faults({ name: 'claim-jobs', sql })).toEqual([]);
  });
});
