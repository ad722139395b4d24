import { type ConsumerLag, listLags } from '../../consumers/lag.ts';
import { listParked, type ParkedRow } from '../../consumers/statements/list-parked.ts';
import { listParkedStreams } from '../../consumers/statements/list-parked-streams.ts';
import { parkStopped } from '../../consumers/statements/park-stopped.ts';
import { restartCheckpoint } from '../../consumers/statements/restart-checkpoint.ts';
import { setParkedState } from '../../consumers/statements/set-parked-state.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/uuid.ts';
import type { Database } from '../../store/database.ts';
import { parkedText, type RelayFailure } from '../failure-text.ts';
import { neverRelayed, relayName } from '../relay-consumer.ts';

/** How far the relay is, and of how many streams something is put aside. */
export interface RelayStatus extends ConsumerLag {
  readonly parkedStreams: number;
}

/**
 * What an operator does with the relay, in any process that reaches the database: the one that relays
 * looks for it several times a second. All but `status` throw DaybookError `consumer-not-found` where
 * nothing was ever relayed from this database.
 */
export interface RelayControl {
  /** How far it is; undefined where nothing was ever relayed. */
  status(): Promise<RelayStatus | undefined>;
  /** Events put aside, by position. @param after a position */
  parked(after: bigint, limit: number): Promise<ParkedRow[]>;
  /**
   * Sets the stream aside at which the relay has stopped: it goes on with all others, and parks what
   * comes of this one, until it is tried again.
   * @param stream as Daybook or as the target names it @param reason kept with the event that stopped it
   * @throws DaybookError `invalid-options` for a stream at which it has not stopped
   */
  park(stream: string, reason: string): Promise<void>;
  /**
   * Has parked streams tried again, in order. Answers how many.
   * @param streamId as Daybook or as the target names it; left out: all
   */
  retry(streamId?: string): Promise<number>;
  /**
   * Relays again from a position on, which harms nothing: what is there stays as it is. For a target
   * that has lost something, and to go on where the relay has stopped.
   * @throws DaybookError `invalid-options` for one that it has not reached: streams would have gaps
   */
  restart(from: bigint): Promise<void>;
}

export function createRelayControl(database: Database): RelayControl {
  const lag = async () =>
    (await listLags(database)).find(({ name, role }) => name === relayName && role === 'live');
  const known = async (): Promise<ConsumerLag> => {
    const found = await lag();
    if (found !== undefined) return found;
    throw neverRelayed();
  };
  return {
    async status() {
      const found = await lag();
      if (found === undefined) return undefined;
      const consumer = { consumer: relayName, build: found.build };
      const parked = await database.run(listParkedStreams, consumer);
      return { ...found, parkedStreams: parked.length };
    },
    async park(given, reason) {
      const { halted, failure } = await known();
      const stopped = halted === 'failed' ? (failure as RelayFailure | null) : null;
      const { stream, position } = stopped ?? {};
      const streamId = idOf(given);
      if (stopped !== null && stream !== undefined && idOf(stream) === streamId) {
        const error = parkedText(stopped, reason);
        const of = { name: relayName, stream, streamId, position: BigInt(stopped.position), error };
        if ((await database.run(parkStopped, of)).length > 0) return;
      }
      const where = stream === undefined ? 'at no stream' : `at ${stream}, position ${position}`;
      const message = `The relay has not stopped at ${given}, but ${where}. Only the stream at which it stops is set aside.`;
      throw new DaybookError('invalid-options', message);
    },
    async parked(after, limit) {
      await known();
      return database.run(listParked, { consumer: relayName, after, limit });
    },
    async retry(given) {
      const { build } = await known();
      const consumer = { consumer: relayName, build };
      const all = (await database.run(listParkedStreams, consumer)).map((row) => row.stream_id);
      const wanted = given === undefined ? undefined : idOf(given);
      if (wanted !== undefined && !(isUuid(wanted) && all.includes(wanted))) {
        throw new DaybookError(
          'consumer-not-found',
          `Nothing of ${given} is parked; \`daybook relay parked\` lists what is.`,
        );
      }
      const streams = wanted === undefined ? all : [wanted];
      for (const streamId of streams) {
        const state = 'retrying' as const;
        await database.run(setParkedState, { ...consumer, streamId, state, error: null });
      }
      return streams.length;
    },
    async restart(from) {
      const { position } = await known();
      const moved =
        from < 1n
          ? []
          : await database.run(restartCheckpoint, { name: relayName, position: from - 1n });
      if (moved.length > 0) return;
      const message = `It has relayed up to ${position}: name a position from 1 to ${position + 1n}.`;
      throw new DaybookError('invalid-options', message);
    },
  };
}

/** Of a stream, as Daybook or as the target names it. */
function idOf(stream: string): string {
  return stream.replace(/^(job|queue)-/, '').toLowerCase();
}
