import type { Contender } from './contender.ts';

/** What a contender is, without loading it. */
export interface Entry {
  readonly title: string;
  /** The npm package in bench/peers; null for the one that is built here. */
  readonly package: string | null;
  readonly server: 'postgres' | 'redis';
  load(): Promise<Contender>;
}

export const contenders = {
  daybook: {
    title: 'Daybook',
    package: null,
    server: 'postgres',
    load: async () => (await import('./daybook.ts')).daybook,
  },
  graphile: {
    title: 'graphile-worker',
    package: 'graphile-worker',
    server: 'postgres',
    load: async () => (await import('./graphile-worker.ts')).graphileWorker,
  },
  'pg-boss-fetch': {
    title: 'pg-boss, fetch and complete',
    package: 'pg-boss',
    server: 'postgres',
    load: async () => (await import('./pg-boss.ts')).pgBossFetch,
  },
  'pg-boss-work': {
    title: 'pg-boss, work()',
    package: 'pg-boss',
    server: 'postgres',
    load: async () => (await import('./pg-boss.ts')).pgBossWork,
  },
  bullmq: {
    title: 'BullMQ on Redis',
    package: 'bullmq',
    server: 'redis',
    load: async () => (await import('./bullmq.ts')).bullmq,
  },
} as const satisfies Readonly<Record<string, Entry>>;

export type ContenderName = keyof typeof contenders;
