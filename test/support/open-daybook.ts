import { type Daybook, type DaybookOptions, openDaybook } from '../../src/daybook.ts';
import { type Observer, silentObserver } from '../../src/kernel/observer.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

export interface TestDaybook extends Daybook {
  readonly db: TestDatabase;
  /** What the observer was warned of. */
  readonly warnings: string[];
  /** The types of a job's events, in order. */
  eventsOf(id: string): Promise<string[]>;
}

/** A Daybook on a database of its own; `close` drops it too. */
export async function openTestDaybook(options: Partial<DaybookOptions> = {}): Promise<TestDaybook> {
  const db = await createTestDatabase();
  const warnings: string[] = [];
  const observer: Observer = {
    ...silentObserver,
    warn: (message) => warnings.push(message),
    ...options.observer,
  };
  const daybook = await openDaybook({
    connectionString: db.connectionString,
    ...(db.directConnectionString === db.connectionString
      ? {}
      : { directConnectionString: db.directConnectionString }),
    caretaker: { expiryMs: 200 },
    ...options,
    observer,
  });
  return {
    ...daybook,
    db,
    warnings,
    eventsOf: async (id) => (await daybook.history(id)).map(({ type }) => type),
    close: async () => {
      await daybook.close();
      await db.drop();
    },
  };
}
