import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import type { BeatThreadData } from './beat-messages.ts';

/** What a session needs of the thread that beats for it. */
export type BeatThread = Pick<Thread, 'on' | 'postMessage' | 'unref'>;

/**
 * From source the thread has to load TypeScript for itself: Node 20 hands no loader down to threads,
 * and `--import tsx` does nothing in them. Built, it is plain JavaScript.
 */
export function startBeatThread(data: BeatThreadData): BeatThread {
  if (!import.meta.url.endsWith('.ts')) {
    return new Thread(new URL('./beat-thread.js', import.meta.url), { workerData: data });
  }
  const file = new URL('./beat-thread.ts', import.meta.url).href;
  const tsxFolder = dirname(createRequire(import.meta.url).resolve('tsx/package.json'));
  const tsx = pathToFileURL(join(tsxFolder, 'dist/esm/api/index.mjs')).href;
  const start = `import(${JSON.stringify(tsx)}).then(({ register }) => {
    register();
    return import(${JSON.stringify(file)});
  })`;
  return new Thread(start, { eval: true, workerData: data });
}
