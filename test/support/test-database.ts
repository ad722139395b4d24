import { createHash } from 'node:crypto';
import pg from 'pg';
import { expect } from 'vitest';
import { createJobWatch } from '../../src/commands/read/job-watch.ts';
import type { BacklogLimit } from '../../src/commands/submit/backlog-limit.ts';
import { createSubmitCoalescer } from '../../src/commands/submit/submit-coalescer.ts';
import type { WriteContext } from '../../src/commands/write-context.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createLineage } from '../../src/kernel/lineage.ts';
import { createUuidV7 } from '../../src/kernel/ids.ts';
import { type Observer, silentObserver } from '../../src/kernel/observer.ts';
import type { Service } from '../../src/kernel/service.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { prepareLog } from '../../src/store/epoch/prepare-log.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createNames } from '../../src/store/names.ts';
import { createSequencer } from '../../src/store/sequencer.ts';
import {
  openSession as openSessionStatement,
  type OpenSessionParams,
} from '../../src/store/statements/open-session.ts';
import { createWakeUp, type WakeUp } from '../../src/store/wake-up.ts';
import { poolerOfRun, type TestPooler } from './pooler.ts';
import { type PostgresVersion, serverAddress, sharedVersion } from './postgres-servers.ts';
import { addressOf, defaultSchema, templateDatabase, withClient } from './template-database.ts';

export interface TestDatabaseOptions {
  /** Default `daybook`, which is the quick way: a copy of a migrated template. */
  readonly schema?: string;
  /** Default: the shared one, 18. A file that asks for 15 calls `stopPostgres15` in `afterAll`. */
  readonly postgres?: PostgresVersion;
  /** Of that server; default: what the whole run goes through, which is nothing but in `test:pooler`. */
  readonly pooler?: Pick<TestPooler, 'addressOf'>;
  /** Positions per partition of the log; default 2^16. */
  readonly partitionSpan?: number;
  /** Connections of each pool; default 10. */
  readonly poolSize?: number;
  /** Start a sequencer; default false. */
  readonly sequencer?: boolean;
}

/** What one process of Daybook has: a pool, a listener, and what commands need. */
export interface TestProcess {
  readonly database: Database;
  /** Started. */
  readonly wakeUp: WakeUp;
  readonly context: WriteContext;
  /** What the observer was warned of. */
  readonly warnings: { message: string; context?: Readonly<Record<string, unknown>> }[];
  /** Starts a sequencer; call it again for a second one. Stopped by `drop`. */
  startSequencer(): Promise<Service>;
}

/** A migrated database with nothing in it, and a first process on it. */
export interface TestDatabase extends TestProcess {
  /** What Daybook is opened with: through a pooler, where there is one. */
  readonly connectionString: string;
  /** The server itself, for LISTEN and for migrations. */
  readonly directConnectionString: string;
  /** The schema as it is written in SQL: quoted. */
  readonly schema: string;
  /** Opens a worker session (lease an hour, 10 slots unless told otherwise) and gives its id. */
  openSession(options?: Partial<OpenSessionParams>): Promise<string>;
  /** Another process on the same database. */
  anotherProcess(): Promise<TestProcess>;
  /** A session of its own on the server itself, with the schema first in its search_path. */
  connect(): Promise<pg.Client>;
  /** The same as an application has it that hands its client to Daybook: perhaps through a pooler. */
  connectCaller(): Promise<pg.Client>;
  /** Closes everything that was opened here, and drops the database. */
  drop(): Promise<void>;
}

export const newId = createUuidV7(Date.now);

let count = 0;

/** Makes a database for one test file or test. Whoever calls it calls `drop`, in `afterAll` or so. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { schema = defaultSchema, partitionSpan = 2 ** 16, poolSize = 10 } = options;
  const version = options.postgres ?? sharedVersion();
  const server = await serverAddress(version);
  const pooler = options.pooler ?? (version === sharedVersion() ? poolerOfRun() : undefined);
  const name = nextName();
  const directConnectionString = addressOf(server, name);
  const connectionString = pooler?.addressOf(directConnectionString) ?? directConnectionString;
  const template = schema === defaultSchema ? await templateDatabase(server) : 'template1';
  await withClient(server, async (client) => {
    await client.query(`drop database if exists ${name} with (force)`);
    await client.query(`create database ${name} template ${template}`);
    // A pooler passes on no settings of a session; what the database says holds for all of them.
    if (pooler !== undefined) {
      await client.query(`alter database ${name} set search_path = "${schema}"`);
    }
  });
  if (schema !== defaultSchema) {
    await migrate({ connection: { connectionString: directConnectionString }, schema });
  }

  const closings: (() => Promise<unknown>)[] = [];
  const addresses = { connectionString, directConnectionString };
  const openProcess = async (): Promise<TestProcess> => {
    const process = makeProcess({ ...addresses, schema, partitionSpan, poolSize }, closings);
    await process.wakeUp.start();
    return process;
  };
  const first = await openProcess();
  await prepareLog(first.database, partitionSpan);
  if (options.sequencer === true) await first.startSequencer();

  const connect = async (config: pg.ClientConfig) => {
    const client = new pg.Client(config);
    // Tests kill connections; what they meant to see they see in the queries that fail.
    client.on('error', () => undefined);
    await client.connect();
    closings.push(() => client.end());
    return client;
  };
  const connectDirectly = () =>
    connect({
      connectionString: directConnectionString,
      options: `-c search_path="${schema}"`,
    });

  return {
    ...first,
    ...addresses,
    schema: `"${schema}"`,
    async openSession(session = {}) {
      const id = session.session ?? newId();
      await first.database.run(openSessionStatement, { ...usualSession, session: id, ...session });
      return id;
    },
    anotherProcess: openProcess,
    connect: connectDirectly,
    connectCaller: () => (pooler === undefined ? connectDirectly() : connect({ connectionString })),
    async drop() {
      for (const close of closings.splice(0).toReversed()) await close();
      await withClient(server, (client) =>
        client.query(`drop database if exists ${name} with (force)`),
      );
    },
  };
}

const usualSession = {
  tenantId: 1,
  name: 'test',
  host: null,
  pid: null,
  version: null,
  queues: [],
  types: [],
  slots: 10,
  // It ends by `lapse`, and by no machine that is slow.
  leaseMs: 3_600_000,
};

const noLimit: BacklogLimit = {
  name: 'no limit',
  admit: () => undefined,
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
};

interface ProcessOptions {
  readonly connectionString: string;
  readonly directConnectionString: string;
  readonly schema: string;
  readonly partitionSpan: number;
  readonly poolSize: number;
}

function makeProcess(options: ProcessOptions, closings: (() => Promise<unknown>)[]): TestProcess {
  const { connectionString, directConnectionString, schema, partitionSpan, poolSize } = options;
  const warnings: TestProcess['warnings'] = [];
  const observer: Observer = {
    ...silentObserver,
    warn: (message, context) => warnings.push(context ? { message, context } : { message }),
  };
  const channel = `daybook_${schema}`;
  const common = { channel, observer, clock: systemClock, random: Math.random };
  const database = openDatabase({ connectionString, schema, poolSize, observer });
  const wakeUp = createWakeUp({
    ...common,
    connection: { connectionString: directConnectionString },
    processId: newId(),
  });
  closings.push(
    () => database.close(),
    () => wakeUp.stop(),
  );
  return {
    database,
    wakeUp,
    warnings,
    context: {
      database,
      names: createNames(database, 1),
      tenantId: 1,
      wakeUp,
      observer,
      catalog: { defaultsOf: () => undefined, parsePayload: (_type, payload) => payload },
      lineage: createLineage(),
      newId,
      random: Math.random,
      epoch: () => 1,
      coalescer: createSubmitCoalescer(database, 1),
      backlogLimit: noLimit,
      jobWatch: createJobWatch({ database, tenantId: 1, wakeUp, clock: systemClock }),
      idempotencyTtlMs: 86_400_000,
    },
    async startSequencer() {
      const sequencer = createSequencer({
        ...common,
        database,
        wakeUp,
        holder: newId(),
        partitionSpan,
      });
      closings.push(() => sequencer.stop());
      await sequencer.start();
      return sequencer;
    },
  };
}

function nextName(): string {
  count += 1;
  const file = expect.getState().testPath ?? 'no test file';
  const hash = createHash('sha256').update(file).digest('hex').slice(0, 12);
  return `test_${hash}_${process.pid}_${count}`;
}
