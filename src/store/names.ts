import { isName } from '../domain/names.ts';
import { DaybookError } from '../kernel/errors.ts';
import { uuidV5 } from '../kernel/ids.ts';
import type { Database } from './database.ts';
import { createQueues } from './statements/create-queues.ts';
import { createTypes } from './statements/create-types.ts';
import { findQueues, type QueueRow } from './statements/find-queues.ts';
import { findTypes, type TypeRow } from './statements/find-types.ts';
import { lockTenant } from './statements/lock-tenant.ts';

/** Queues, and types of jobs, that a tenant may have. */
const MAX_QUEUES = 1_000;
const MAX_TYPES = 10_000;

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
  /** The number of a queue, where this process knows it: without a promise for each of many. */
  knownQueueId(name: string): number | undefined;
  /** The number of a queue that exists. @throws DaybookError `queue-not-found` */
  queueId(name: string): Promise<number>;
  /**
   * The number of each type; unknown ones get one.
   * @throws DaybookError `too-many-types`
   */
  typeIds(names: Iterable<string>): Promise<ReadonlyMap<string, number>>;
  /** The number of a type, where this process knows it. */
  knownTypeId(name: string): number | undefined;
  /** The number of a type, or undefined; unlike `typeIds` it makes no type of an unknown name. */
  typeId(name: string): Promise<number | undefined>;
  /** The names behind numbers that came from the database. */
  typeNames(ids: Iterable<number>): Promise<ReadonlyMap<number, string>>;
  /** Forgets all: in a new epoch the numbers given last may be lost, and given again to others. */
  forget(): void;
}

/** The stream of a queue's own events: the same name gives the same stream, everywhere. */
function queueStreamId(tenantId: number, name: string): string {
  return uuidV5('queue', tenantId, name);
}

export function createNames(database: Database, tenantId: number): Names {
  let queues = createQueueNames(database, tenantId);
  let types = createTypeNames(database, tenantId);
  return {
    async warm() {
      await queues.warm();
      await types.warm();
    },
    queueIds: (names) => queues.queueIds(names),
    knownQueueId: (name) => queues.ids.get(name),
    queueId: (name) => queues.queueId(name),
    typeIds: (names) => types.typeIds(names),
    knownTypeId: (name) => types.ids.get(name),
    typeId: (name) => types.typeId(name),
    typeNames: (ids) => types.typeNames(ids),
    // Whoever was given a map goes on with it.
    forget() {
      queues = createQueueNames(database, tenantId);
      types = createTypeNames(database, tenantId);
    },
  };
}

function createQueueNames(database: Database, tenantId: number) {
  const ids = new Map<string, number>();
  const find = async (names: readonly string[] | null) => {
    learn(await database.beside.run(findQueues, { tenantId, names }));
  };
  const learn = (rows: readonly QueueRow[]) => {
    for (const row of rows) ids.set(row.name, row.id);
  };
  const create = async (names: readonly string[]) => {
    const streamIds = names.map((name) => queueStreamId(tenantId, name));
    const created = await database.beside.transaction(async (tx) => {
      await tx.run(lockTenant, { tenantId });
      return tx.run(createQueues, { tenantId, names, streamIds, maxQueues: MAX_QUEUES });
    });
    learn(created);
  };
  return {
    ids: ids as ReadonlyMap<string, number>,

    warm: () => find(null),

    async queueIds(names: Iterable<string>): Promise<ReadonlyMap<string, number>> {
      const tooMany = await learnAll(ids, names, 'queue', find, create);
      if (tooMany === undefined) return ids;
      throw new DaybookError(
        'too-many-queues',
        `"${tooMany}" would be one queue too many: ${MAX_QUEUES} is the limit.`,
      );
    },

    async queueId(name: string): Promise<number> {
      if (!ids.has(name) && isName(name)) await find([name]);
      const id = ids.get(name);
      if (id !== undefined) return id;
      throw new DaybookError('queue-not-found', `There is no queue "${name}".`);
    },
  };
}

function createTypeNames(database: Database, tenantId: number) {
  const ids = new Map<string, number>();
  const names = new Map<number, string>();
  const learn = (rows: readonly TypeRow[]) => {
    for (const row of rows) {
      ids.set(row.name, row.id);
      names.set(row.id, row.name);
    }
  };
  const find = async (wanted: readonly string[] | null, wantedIds: readonly number[] = []) => {
    const params = { tenantId, names: wanted, ids: wantedIds };
    learn(await database.beside.run(findTypes, params));
  };
  const create = async (wanted: readonly string[]) => {
    const created = await database.beside.transaction(async (tx) => {
      await tx.run(lockTenant, { tenantId });
      return tx.run(createTypes, { tenantId, names: wanted, maxTypes: MAX_TYPES });
    });
    learn(created);
  };
  return {
    ids: ids as ReadonlyMap<string, number>,

    warm: () => find(null),

    async typeIds(wanted: Iterable<string>): Promise<ReadonlyMap<string, number>> {
      const tooMany = await learnAll(ids, wanted, 'type', find, create);
      if (tooMany === undefined) return ids;
      throw new DaybookError(
        'too-many-types',
        `"${tooMany}" would be one type too many: ${MAX_TYPES} is the limit.`,
      );
    },

    async typeId(name: string): Promise<number | undefined> {
      if (!ids.has(name) && isName(name)) await find([name]);
      return ids.get(name);
    },

    async typeNames(wanted: Iterable<number>): Promise<ReadonlyMap<number, string>> {
      const missing = [...new Set(wanted)].filter((id) => !names.has(id));
      if (missing.length > 0) await find([], missing);
      return names;
    },
  };
}

/** Finds the names that are not known, and creates the rest; answers one that there is no room for. */
async function learnAll(
  known: ReadonlyMap<string, number>,
  names: Iterable<string>,
  what: 'queue' | 'type',
  find: (names: readonly string[]) => Promise<void>,
  create: (names: readonly string[]) => Promise<void>,
): Promise<string | undefined> {
  let missing = missingFrom(known, names);
  if (missing.length === 0) return undefined;
  for (const name of missing) mustBeName(name, what);
  await find(missing);
  missing = missingFrom(known, missing);
  if (missing.length === 0) return undefined;
  await create(missing);
  // Another process may have created them meanwhile.
  missing = missingFrom(known, missing);
  if (missing.length > 0) await find(missing);
  return missingFrom(known, missing)[0];
}

function missingFrom(known: ReadonlyMap<string, number>, names: Iterable<string>): string[] {
  const missing = new Set<string>();
  for (const name of names) if (!known.has(name)) missing.add(name);
  return [...missing];
}

function mustBeName(name: string, what: 'queue' | 'type'): void {
  if (isName(name)) return;
  throw new DaybookError(
    'invalid-request',
    `"${name.slice(0, 80)}" cannot be the name of a ${what}: use 1 to 64 of a-z, 0-9, dot, underscore and hyphen.`,
    { fields: [{ pointer: `/${what}`, message: 'must match [a-z0-9._-]{1,64}' }] },
  );
}
