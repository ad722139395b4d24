import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../kernel/clock.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { silentObserver } from '../../kernel/observer.ts';
import { openDatabase } from '../../store/database.ts';
import { beatSession } from '../../store/statements/beat-session.ts';
import type { BeatMessage, BeatThreadData, MainMessage } from './beat-messages.ts';

/**
 * The thread that beats for a process, on a connection of its own, so that a busy event loop does
 * not lose the jobs it works on. It goes quiet when the main thread has not been heard of for
 * `stallMs`: an event loop that hangs for good must not hold its jobs for ever.
 */
async function beat(data: BeatThreadData, port: NonNullable<typeof parentPort>) {
  const { connectionString = '', schema, tenantId, session, beatMs, stallMs } = data;
  const database = openDatabase({
    connectionString,
    schema,
    poolSize: 1,
    observer: silentObserver,
  });
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
      } catch (error) {
        const text = error instanceof DaybookError ? error.message : String(error);
        tell({ kind: 'failed', message: text });
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
