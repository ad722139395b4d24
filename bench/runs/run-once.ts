import type { Place, Verified } from '../contenders/contender.ts';
import type { MeasuredLoad } from '../contenders/messages.ts';
import { contenders, type ContenderName } from '../contenders/registry.ts';
import { type RemoteContender, startContender } from '../contenders/remote-contender.ts';
import type { LoadSpec } from '../loads/load.ts';
import { type DatabaseCounts, readCounts, readWalBytes } from '../measure/database-counts.ts';
import { cpuMsOf } from '../measure/process-cpu.ts';
import type { FreshDatabase, PostgresServer } from '../servers/postgres-server.ts';
import { startRedis } from '../servers/redis-server.ts';
import { verifiedText } from '../verify.ts';

/** One run of one contender. */
export interface Run extends MeasuredLoad {
  /** Processor time of Postgres or Redis while the clock ran, in ms. */
  readonly serverCpuMs: number;
  /** Written while the clock ran; null for contenders without Postgres. */
  readonly walBytes: number | null;
  /** Of the whole life of the database, null likewise. */
  readonly counts: DatabaseCounts | null;
  /** Null where there is nothing to verify by. */
  readonly verified: Verified | null;
}

/** What a run needs besides the load. */
export interface Staging {
  readonly postgres: PostgresServer;
  /** The program that runs the contender. */
  readonly node: string;
  /** Begins something beside the load before the clock runs; what it resolves with ends it. */
  readonly beside?: (database: FreshDatabase) => Promise<() => Promise<void>>;
}

/**
 * Runs a load on a contender in a process of its own, on a database (or Redis) of its own.
 * @throws Error when what Daybook keeps differs from its log afterwards
 */
export async function runOnce(name: ContenderName, load: LoadSpec, staging: Staging): Promise<Run> {
  const { server } = contenders[name];
  if (server === 'redis') return runOnRedis(name, load, staging);
  const { postgres } = staging;
  const database = await postgres.makeDatabase();
  try {
    const place = { postgresUrl: database.url, redisPort: 0, queues: load.queues };
    let walBytes = 0;
    const run = await runInProcess(
      name,
      staging.node,
      { place, load },
      {
        pid: postgres.pid,
        async begin() {
          const end = await staging.beside?.(database);
          const before = await readWalBytes(postgres);
          return async () => {
            walBytes = (await readWalBytes(postgres)) - before;
            await end?.();
          };
        },
      },
    );
    return { ...run, walBytes, counts: await readCounts(postgres, database) };
  } finally {
    await database.drop();
  }
}

async function runOnRedis(name: ContenderName, load: LoadSpec, { node }: Staging): Promise<Run> {
  const redis = await startRedis();
  try {
    const place = { postgresUrl: '', redisPort: redis.port, queues: load.queues };
    const begin = async () => async () => undefined;
    const run = await runInProcess(name, node, { place, load }, { pid: redis.pid, begin });
    return { ...run, walBytes: null, counts: null };
  } finally {
    await redis.stop();
  }
}

/** What is watched around the part that is measured. */
interface Watch {
  readonly pid: number;
  begin(): Promise<() => Promise<void>>;
}

async function runInProcess(
  name: ContenderName,
  node: string,
  work: { readonly place: Place; readonly load: LoadSpec },
  watch: Watch,
) {
  const contender = startContender(node);
  try {
    await contender.order({ step: 'prepare', contender: name, ...work });
    const measured = await measure(contender, watch);
    const verified = await contender.order({ step: 'verify' });
    if (verified !== null) verifiedText(verified);
    await contender.order({ step: 'close' });
    return { ...measured, verified };
  } finally {
    await contender.end();
  }
}

async function measure(contender: RemoteContender, { pid, begin }: Watch) {
  const end = await begin();
  try {
    const before = cpuMsOf(pid);
    const measured = await contender.order({ step: 'run' });
    return { ...measured, serverCpuMs: cpuMsOf(pid) - before };
  } finally {
    await end();
  }
}
