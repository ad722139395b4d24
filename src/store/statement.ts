import { maxElapsedMs } from '../domain/job/elapsed.ts';

/**
 * One SQL statement: its text for a schema, and how parameters become its $1, $2, ...
 * Statements are sent unnamed, so that Postgres plans them for the tables as they are now: a generic
 * plan cached while a table was small took a sequential scan with it when the table had grown.
 */
export interface Statement<Params, Row> {
  readonly name: string;
  /**
   * Run so often that it is prepared once per connection of Daybook's own pool: parsing and planning
   * take 0.5 to 1.1 ms of processor time each time, looking up a plan 0.05 to 0.1 ms. Its shape must
   * not need statistics: test/integration/store/plans.test.ts runs the plans that were made
   * for empty tables against full ones.
   */
  readonly prepared?: boolean;
  /** @param schema the quoted schema; every table is written as `${schema}.table` */
  sql(schema: string): string;
  values(params: Params): readonly unknown[];
  /** Only there to carry the type. */
  readonly row?: Row;
}

/** Whatever runs statements: the pool, a transaction, or a user's own client. */
export interface Executor {
  /** @throws DaybookError `database-unavailable` when the connection fails; else the pg error */
  run<Params, Row>(statement: Statement<Params, Row>, params: Params): Promise<Row[]>;
}

/** Keeps the types of a statement while it is written as a plain object. */
export function defineStatement<Params, Row>(
  definition: Statement<Params, Row>,
): Statement<Params, Row> {
  return definition;
}

/**
 * The time of a statement, cut to ms so that JavaScript and Postgres agree to the last digit.
 * `now()` runs backwards within a stream in a user's transaction, and `clock_timestamp()` cannot use
 * an index; `statement_timestamp()` does neither.
 */
export const now = "date_trunc('milliseconds', statement_timestamp())";

/**
 * Bounds how long the rest of a statement waits for each lock, where it is a transaction of its own;
 * elsewhere the caller has said. To be evaluated before the locks are taken; costs no round trip.
 * @param isOwn whether it is, in SQL
 */
export function boundedLocks(isOwn: string): string {
  return `case when ${isOwn} then set_config('lock_timeout', '1s', true) end`;
}

/**
 * An array whose length hides from the planner. Of a prepared statement for one job, the plan for the one
 * that it sees would always look cheaper than a plan for any number, and be made anew each time (0.3 ms).
 */
export function ofAnyLength(array: string): string {
  return `(select ${array})`;
}

/**
 * The ms from one timestamptz to a later one, as `elapsedMs` of the domain counts them. (`extract` makes
 * a numeric, which takes three times as long.)
 */
export function elapsedBetween(from: string, to: string): string {
  return `greatest(0, least(date_part('epoch', ${to} - ${from}) * 1000, ${maxElapsedMs}))::int`;
}

/**
 * A timestamptz as ms since the epoch, in JSON: a number whatever DateStyle, TimeZone or
 * extra_float_digits the session of a caller's own client has.
 */
export function ms(expression: string): string {
  return `to_jsonb((extract(epoch from ${expression}) * 1000)::bigint)`;
}

/** A timestamptz as ms since the epoch with what it has beyond them, so that no difference hides. */
export function exactMs(expression: string): string {
  return `(extract(epoch from ${expression}) * 1000)::float8`;
}
