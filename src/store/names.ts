import { isName } from '../domain/names.ts';
import { DaybookError } from '../kernel/errors.ts';
import { uuidV5 } from '../kernel/ids.ts';
import type { Database } from './database.ts';
import { createQueues } from './statements/create-queues.ts';
import { createTypes } from './statements/create-types.ts';
import { findQueues, type QueueRow } from './statements/find-queues.ts';
import { findTypes } from './statements/find-types.ts';
import { lockTenant } from './statements/lock-tenant.ts';

/** Queues a tenant may have. */
const MAX_QUEUES = 1_000;

/**
 * The small numbers behind the names of queues and types, remembered per process: they are never
 * changed and never used again. Always asked on the pool, never in a user's transaction; but such a
 * transaction waits for it, so that it may end as `pool-exhausted`.
 */
export interface Names {
  /** Reads all that there are, so that transactions of callers seldom wait for one. */
  warm(): Promise<void>;
  /**
   * The number of each queue; unknown ones are created.
   * @throws DaybookError `too-many-queues`
   */
  queueIds(names: Iterable<string>): Promise<ReadonlyMap<string, number>>;
  /** The number of a queue that exists. @throws DaybookError `queue-not-found` */
  queueId(name: string): Promise<number>;
  /** The number of each type; unknown ones get one. */
  typeIds(names: Iterable<string>): Promise<ReadonlyMap<string, number>>;
  /** The number of a type, or undefined; unlike `typeIds` it makes no type of an unknown name. */
  typeId(name: string): Promise<number | undefined>;
  /** The names behind numbers that came from the database. */
  typeNames(ids: Iterable<number>): Promise<ReadonlyMap<number, string>>;
}

/** The stream of a queue's own events: the same name gives the same stream, everywhere. */
function queueStreamId(tenantId: number, name: string): string {
  return uuidV5('queue', tenantId, name);
}

export function createNames(database: Database, tenantId: number): Names {
  const queues = new Map<string, number>();
  const types = new Map<string, number>();
  const namesOfTypes = new Map<number, string>();

  const learnQueues = (rows: readonly QueueRow[]) => {
    for (const row of rows) queues.set(row.name, row.id);
  };
  const learnTypes = (rows: readonly { id: number; name: string }[]) => {
    for (const row of rows) {
      types.set(row.name, row.id);
      namesOfTypes.set(row.id, row.name);
    }
  };
  return {
    async warm() {
      learnQueues(await database.run(findQueues, { tenantId, names: null }));
      learnTypes(await database.run(findTypes, { tenantId, names: null, ids: [] }));
    },

    async queueIds(names) {
      const wanted = [...names];
      for (const name of wanted) mustBeName(name, 'queue');
      let missing = missingFrom(queues, wanted);
      if (missing.length === 0) return queues;
      learnQueues(await database.beside.run(findQueues, { tenantId, names: missing }));
      missing = missingFrom(queues, wanted);
      if (missing.length === 0) return queues;
      learnQueues(await create(database, tenantId, missing));
      // Another process may have created them meanwhile.
      learnQueues(await database.beside.run(findQueues, { tenantId, names: missing }));
      missing = missingFrom(queues, wanted);
      if (missing.length === 0) return queues;
      throw new DaybookError(
        'too-many-queues',
        `"${missing[0]}" would be one queue too many: ${MAX_QUEUES} is the limit.`,
      );
    },

    async queueId(name) {
      const known = queues.get(name);
      if (known !== undefined) return known;
      const [row] = await database.beside.run(findQueues, { tenantId, names: [name] });
      if (row === undefined) {
        throw new DaybookError('queue-not-found', `There is no queue "${name}".`);
      }
      learnQueues([row]);
      return row.id;
    },

    async typeIds(names) {
      const wanted = [...names];
      for (const name of wanted) mustBeName(name, 'type');
      let missing = missingFrom(types, wanted);
      if (missing.length === 0) return types;
      learnTypes(await database.beside.run(findTypes, { tenantId, names: missing, ids: [] }));
      missing = missingFrom(types, wanted);
      if (missing.length === 0) return types;
      learnTypes(await database.beside.run(createTypes, { tenantId, names: missing }));
      learnTypes(await database.beside.run(findTypes, { tenantId, names: missing, ids: [] }));
      return types;
    },

    async typeId(name) {
      if (!types.has(name)) {
        learnTypes(await database.beside.run(findTypes, { tenantId, names: [name], ids: [] }));
      }
      return types.get(name);
    },

    async typeNames(ids) {
      const missing = [...new Set(ids)].filter((id) => !namesOfTypes.has(id));
      if (missing.length > 0) {
        learnTypes(await database.beside.run(findTypes, { tenantId, names: [], ids: missing }));
      }
      return namesOfTypes;
    },
  };
}

function create(
  database: Database,
  tenantId: number,
  names: readonly string[],
): Promise<QueueRow[]> {
  const streamIds = names.map((name) => queueStreamId(tenantId, name));
  return database.beside.transaction(async (tx) => {
    await tx.run(lockTenant, { tenantId });
    return tx.run(createQueues, { tenantId, names, streamIds, maxQueues: MAX_QUEUES });
  });
}

function missingFrom(known: ReadonlyMap<string, number>, names: Iterable<string>): string[] {
  return [...new Set(names)].filter((name) => !known.has(name));
}

function mustBeName(name: string, what: 'queue' | 'type'): void {
  if (isName(name)) return;
  throw new DaybookError(
    'invalid-request',
    `"${name.slice(0, 80)}" cannot be the name of a ${what}: use 1 to 64 of a-z, 0-9, dot, underscore and hyphen.`,
    { fields: [{ pointer: `/${what}`, message: 'must match [a-z0-9._-]{1,64}' }] },
  );
}
