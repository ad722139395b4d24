import { createClient } from '../../src/client/client.ts';

/** Who keeps something of the log, and begins anew when it is told to. */
export interface Subscriber {
  /** Why it was told to read again what it keeps. */
  readonly resets: readonly string[];
  /** The jobs that it knows to be submitted, since it last began anew. */
  readonly known: ReadonlySet<string>;
  /** Rejects if the subscription ended by itself. */
  stop(): Promise<void>;
}

/** Subscribes to the log at an API, by Server-Sent Events, from the start. */
export function subscribe(url: string): Subscriber {
  const resets: string[] = [];
  const known = new Set<string>();
  const end = new AbortController();
  const events = createClient({ url }).events({
    after: 'start',
    signal: end.signal,
    onReset({ reason, token }) {
      resets.push(reason);
      known.clear();
      return token;
    },
  });
  const over = (async () => {
    for await (const { event } of events) {
      if (event.type.startsWith('dev.daybook.job.submitted.')) known.add(event.subject);
    }
    if (!end.signal.aborted) throw new Error('The subscription ended.');
  })();
  over.catch(() => end.abort());
  return {
    resets,
    known,
    async stop() {
      end.abort();
      await over;
    },
  };
}
