import type { EventFilter } from '../../domain/event-filter.ts';
import { eventTypeCodes, type RecordedEvent } from '../../domain/event-types.ts';
import { formatLogToken } from '../../domain/log-token.ts';
import { decodeEvent } from '../../store/event-codec.ts';
import type { Executor } from '../../store/statement.ts';
import type { LogPageRow, ReadLogPageParams } from '../../store/statements/log-page.ts';
import { readLogPage } from '../../store/statements/read-log-page.ts';
import { readLogPageOfCorrelations } from '../../store/statements/read-log-page-of-correlations.ts';
import { readLogPageOfStreams } from '../../store/statements/read-log-page-of-streams.ts';

/** An event that stands in the log, with the token to go on from after it. */
export type LoggedEvent = RecordedEvent & { readonly position: bigint; readonly token: string };

/** Where the log begins and ends, as the snapshot of a reading saw it. */
export interface LogBounds {
  /** The last position; 0n for an empty log. */
  readonly head: bigint;
  readonly epoch: number;
  /** Positions up to this one are no longer in the database. */
  readonly droppedUntil: bigint;
}

export interface LogPage extends LogBounds {
  /** Those that the filter lets through, in order; maybe none. */
  readonly events: readonly LoggedEvent[];
  /** Everything up to here has been looked at; never before where the page began. */
  readonly upTo: bigint;
}

export interface PageWish {
  readonly tenantId: number;
  /** Positions after this one. */
  readonly after: bigint;
  readonly filter: EventFilter;
  /** Events at the most. */
  readonly limit: number;
}

/** Positions that one page looks at, at the most: some 30 ms, where a filter lets nothing through. */
const SCAN = 20_000;

/**
 * Reads a page of the log. A page may be short, or empty, although there is more: `upTo` says where
 * to go on. Events of types that a newer version wrote are left out.
 * @throws DaybookError `database-unavailable`
 */
export async function readPage(database: Executor, wish: PageWish): Promise<LogPage> {
  const { after, filter, limit, tenantId } = wish;
  const params: ReadLogPageParams = {
    tenantId,
    afterPosition: after,
    limit,
    scan: SCAN,
    types: orNull(filter.eventTypes)?.map((type) => eventTypeCodes[type]) ?? null,
    queues: orNull(filter.queues),
    jobTypes: orNull(filter.jobTypes),
    tags: orNull(filter.tags),
    correlations: orNull(filter.correlations),
    streamIds: orNull(filter.jobs),
  };
  return pageOf(await database.run(statementFor(params), params), after);
}

/** Where the log begins and ends. */
export async function readBounds(database: Executor, tenantId: number): Promise<LogBounds> {
  return readPage(database, { tenantId, after: 0n, filter: {}, limit: 0 });
}

/** Of several ways to the events, the one with the fewest to look at. */
function statementFor(params: ReadLogPageParams) {
  if (params.streamIds !== null) return readLogPageOfStreams;
  if (params.correlations !== null) return readLogPageOfCorrelations;
  return readLogPage;
}

function pageOf(rows: readonly LogPageRow[], after: bigint): LogPage {
  const [first] = rows;
  if (first === undefined) throw new Error('The log has no head: it was not made ready.');
  const epoch = first.log_epoch;
  const events: LoggedEvent[] = [];
  for (const row of rows) {
    const { position } = row;
    if (position === null) continue;
    const event = decodeEvent(row);
    const token = formatLogToken({ epoch, position });
    if (event !== undefined) events.push(Object.assign(event, { position, token }));
  }
  const upTo = first.reached ?? after;
  return { events, upTo, head: first.head, epoch, droppedUntil: first.dropped_until };
}

function orNull<Value>(values: readonly Value[] | undefined): readonly Value[] | null {
  return values === undefined || values.length === 0 ? null : values;
}
