import { parentPort, workerData } from 'node:worker_threads';
import { createBackoff } from '../../kernel/backoff.ts';
import { systemClock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { silentObserver } from '../../kernel/observer.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { beatSession } from '../../store/statements/beat-session.ts';
import type { BeatMessage, BeatThreadData, MainMessage } from './beat-messages.ts';

type Port = NonNullable<typeof parentPort>;

/** What even a sound server may take now and then, in ms. */
const LEAST_PATIENCE_MS = 1_000;
/** The longest pause between two tries to beat, in ms. */
const RETRY_MAX_MS = 1_000;

/**
 * The thread that beats for the sessions of a process, on a connection of its own, so that a busy
 * event loop does not lose the jobs it works on. It goes quiet when the main thread has not been heard
 * of for `stallMs`: an event loop that hangs for good must not hold its jobs for ever. It ends with
 * the last of its sessions.
 */
async function beat(data: BeatThreadData, port: Port): Promise<void> {
  const { connectionString, schema, leaseMs, beatMs, stallMs } = data;
  const database = openDatabase({
    connectionString,
    schema,
    poolSize: 1,
    observer: silentObserver,
    // A connection that says nothing is left early enough for the next one to beat in time.
    statementTimeoutMs: Math.max(beatMs, leaseMs / 3, LEAST_PATIENCE_MS),
  });
  let heardAt = systemClock.elapsedMs();
  const isHeardOf = () => systemClock.elapsedMs() - heardAt <= stallMs;
  const beating = new Map<string, AbortController>();
  await new Promise<void>((allOver) => {
    const watch = async (session: string) => {
      const over = new AbortController();
      beating.set(session, over);
      await beatFor(session, { data, database, port, isHeardOf }, over.signal);
      beating.delete(session);
      if (beating.size === 0) allOver();
    };
    port.on('message', (message: MainMessage) => {
      heardAt = systemClock.elapsedMs();
      if (message.kind === 'watch') void watch(message.session);
      else if (message.kind === 'leave') beating.get(message.session)?.abort();
    });
  });
  await database.close();
}

interface Means {
  readonly data: BeatThreadData;
  readonly database: Database;
  readonly port: Port;
  isHeardOf(): boolean;
}

async function beatFor(session: string, means: Means, over: AbortSignal): Promise<void> {
  const { data, database, port, isHeardOf } = means;
  const { tenantId, beatMs } = data;
  const backoff = createBackoff(100, Math.min(beatMs, RETRY_MAX_MS), Math.random);
  const tell = (message: BeatMessage) => port.postMessage(message);
  while (!over.aborted) {
    if (isHeardOf()) {
      try {
        const [row] = await database.run(beatSession, { tenantId, session });
        if (row === undefined) tell({ kind: 'lost', session });
        else tell({ kind: 'beat', session, cancelRequested: row.cancel_requested });
        backoff.reset();
      } catch (error) {
        const text = error instanceof DaybookError ? error.message : String(error);
        tell({ kind: 'failed', session, message: text });
        // A lease is a few beats long: none of them can be left out.
        await systemClock.sleep(backoff.nextMs(), over);
        continue;
      }
    }
    await systemClock.sleep(beatMs, over);
  }
}

// A thread's file is its entry point: it runs when the thread starts, and only then.
if (parentPort !== null) {
  await beat(workerData as BeatThreadData, parentPort);
  parentPort.close();
}
