import { listLags } from '../../consumers/lag.ts';
import { listParked } from '../../consumers/statements/list-parked.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../store/database.ts';
import { readPositions } from '../../store/statements/read-positions.ts';
import { relayRows } from '../read-events.ts';
import { neverRelayed, relayName } from '../relay-consumer.ts';
import { type RelayEvent, revisionOf, sourceOf } from '../relay-event.ts';
import type { EventTarget, StoredTargetEvent } from '../target/event-target.ts';
import { inTime } from '../target/in-time.ts';
import { differenceOf } from './difference-of.ts';
import { PositionSet } from './position-set.ts';
import { RelayFindings, type RelayReport } from './relay-report.ts';

export interface VerifyRelayOptions {
  readonly database: Database;
  readonly target: EventTarget;
  readonly clock: Clock;
  /** How long the target may say nothing, in ms. */
  readonly timeoutMs: number;
  /** Told from time to time how many events of the target were read. */
  readonly onProgress?: (events: number) => void;
}

/** Events of the target that are looked up in the log at once. */
const PAGE = 1_000;

/**
 * Walks the whole target once, and the log up to the checkpoint of the relay: every event of a stream
 * of Daybook's is held against the one at its position, and then every position that did not come up is
 * told as missing. May run beside the relay; what is relayed meanwhile is left out.
 * @throws DaybookError `consumer-not-found`, `relay-target-unavailable`
 */
export async function verifyRelay(options: VerifyRelayOptions): Promise<RelayReport> {
  const { database } = options;
  const lag = (await listLags(database)).find(({ name }) => name === relayName);
  if (lag === undefined) throw neverRelayed();
  const upTo = lag.position < lag.head ? lag.position : lag.head;
  const parked = await readParked(database, upTo);
  const walk = new Walk(database, upTo);
  await walkTarget(options, walk);
  await walk.findMissing(parked);
  const { same, foreign, findings } = walk;
  const of = { upTo: String(upTo), head: String(lag.head) };
  return findings.report({ ...of, same, foreign, parked: walk.parked });
}

class Walk {
  readonly findings = new RelayFindings();
  same = 0;
  foreign = 0;
  parked = 0;
  readonly #database: Database;
  readonly #upTo: bigint;
  readonly #seen: PositionSet;

  constructor(database: Database, upTo: bigint) {
    this.#database = database;
    this.#upTo = upTo;
    this.#seen = new PositionSet(upTo);
  }

  async compare(stored: readonly StoredTargetEvent[]): Promise<void> {
    const ours = stored.filter(({ stream }) => isOurs(stream));
    this.foreign += stored.length - ours.length;
    const positions = ours.flatMap((event) => positionOf(event) ?? []);
    const rows = await this.#database.run(readPositions, { positions: [...new Set(positions)] });
    const logged = new Map(
      (await relayRows(this.#database, rows, false)).map((event) => [event.position, event]),
    );
    for (const event of ours) this.#compareOne(event, logged.get(positionOf(event) ?? 0n));
  }

  #compareOne(stored: StoredTargetEvent, logged: RelayEvent | undefined): void {
    const { stream } = stored;
    const revision = String(stored.revision);
    const position = positionOf(stored);
    const shown = position === undefined ? null : String(position);
    if (logged?.event.id !== stored.id) {
      if (isOfOtherLog(stored, this.#database)) {
        this.foreign += 1;
        return;
      }
      this.findings.add({ kind: 'extra', position: shown, stream, revision });
      return;
    }
    // Relayed since the walk began.
    if (logged.position > this.#upTo) return;
    if (!this.#seen.add(logged.position)) {
      this.findings.add({
        kind: 'extra',
        position: shown,
        stream,
        revision,
        what: 'a second time',
      });
      return;
    }
    const what = differenceOf(stored, logged);
    if (what === undefined) this.same += 1;
    else this.findings.add({ kind: 'differing', position: shown, stream, revision, what });
  }

  /** @param parked is known to be missing */
  async findMissing(parked: ReadonlySet<bigint>): Promise<void> {
    const wanted: bigint[] = [];
    for (let position = 1n; position <= this.#upTo; position += 1n) {
      if (this.#seen.has(position)) continue;
      if (parked.has(position)) {
        this.parked += 1;
        continue;
      }
      wanted.push(position);
      if (wanted.length === PAGE) await this.#tellMissing(wanted.splice(0));
    }
    await this.#tellMissing(wanted);
  }

  async #tellMissing(positions: readonly bigint[]): Promise<void> {
    if (positions.length === 0) return;
    const rows = await this.#database.run(readPositions, { positions });
    for (const { position, stream, version } of await relayRows(this.#database, rows, false)) {
      const revision = String(revisionOf(version));
      this.findings.add({ kind: 'missing', position: String(position), stream, revision });
    }
  }
}

async function readParked(database: Database, upTo: bigint): Promise<ReadonlySet<bigint>> {
  const found = new Set<bigint>();
  for (let after = 0n; ; ) {
    const rows = await database.run(listParked, { consumer: relayName, after, limit: PAGE });
    for (const { position } of rows) if (position <= upTo) found.add(position);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return found;
    after = last.position;
  }
}

async function walkTarget(options: VerifyRelayOptions, walk: Walk): Promise<void> {
  const { target, onProgress } = options;
  let page: StoredTargetEvent[] = [];
  let read = 0;
  const events = target.readAll()[Symbol.asyncIterator]();
  for (;;) {
    const next = await inTime(options, events.next());
    if (next.done !== true) page.push(next.value);
    if (page.length === PAGE || next.done === true) {
      read += page.length;
      await walk.compare(page);
      onProgress?.(read);
      page = [];
    }
    if (next.done === true) return;
  }
}

function isOurs(stream: string): boolean {
  return /^(job|queue)-[0-9a-f]{8}-/.test(stream);
}

/** Several logs may be relayed into one target; an older version did not tell them apart. */
function isOfOtherLog({ metadata }: StoredTargetEvent, { schema }: Database): boolean {
  const { source } = (metadata ?? {}) as { source?: unknown };
  return typeof source === 'string' && source !== sourceOf(schema);
}

function positionOf({ metadata }: StoredTargetEvent): bigint | undefined {
  const { position } = (metadata ?? {}) as { position?: unknown };
  return typeof position === 'string' && /^\d{1,18}$/.test(position) ? BigInt(position) : undefined;
}
