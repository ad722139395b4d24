import { parentPort, workerData } from 'node:worker_threads';
import { createBackoff } from '../../kernel/backoff.ts';
import { systemClock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { silentObserver } from '../../kernel/observer.ts';
import { openDatabase } from '../../store/database.ts';
import { beatSession } from '../../store/statements/beat-session.ts';
import type { BeatMessage, BeatThreadData, MainMessage } from './beat-messages.ts';

/** What even a sound server may take now and then, in ms. */
const LEAST_PATIENCE_MS = 1_000;
/** The longest pause between two tries to beat, in ms. */
const RETRY_MAX_MS = 1_000;

/**
 * The thread that beats for a process, on a connection of its own, so that a busy event loop does
 * not lose the jobs it works on. It goes quiet when the main thread has not been heard of for
 * `stallMs`: an event loop that hangs for good must not hold its jobs for ever.
 */
async function beat(data: BeatThreadData, port: NonNullable<typeof parentPort>) {
  const { connectionString = '', schema, tenantId, session, leaseMs, beatMs, stallMs } = data;
  const database = openDatabase({
    connectionString,
    schema,
    poolSize: 1,
    observer: silentObserver,
    // A connection that says nothing is left early enough for the next one to beat in time.
    statementTimeoutMs: Math.max(beatMs, leaseMs / 3, LEAST_PATIENCE_MS),
  });
  const backoff = createBackoff(100, Math.min(beatMs, RETRY_MAX_MS), Math.random);
  const stop = new AbortController();
  let heardAt = systemClock.elapsedMs();
  port.on('message', (message: MainMessage) => {
    heardAt = systemClock.elapsedMs();
    if (message === 'stop') stop.abort();
  });
  const tell = (message: BeatMessage) => port.postMessage(message);
  while (!stop.signal.aborted) {
    if (systemClock.elapsedMs() - heardAt <= stallMs) {
      try {
        const [row] = await database.run(beatSession, { tenantId, session });
        if (row === undefined) tell({ kind: 'lost' });
        else tell({ kind: 'beat', cancelRequested: row.cancel_requested });
        backoff.reset();
      } catch (error) {
        const text = error instanceof DaybookError ? error.message : String(error);
        tell({ kind: 'failed', message: text });
        // A lease is a few beats long: none of them can be left out.
        await systemClock.sleep(backoff.nextMs(), stop.signal);
        continue;
      }
    }
    await systemClock.sleep(beatMs, stop.signal);
  }
  await database.close();
}

// A thread's file is its entry point: it runs when the thread starts, and only then.
if (parentPort !== null) {
  await beat(workerData as BeatThreadData, parentPort);
  parentPort.close();
}
