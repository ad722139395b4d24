import { parseWriteToken } from '../../../src/domain/write-token.ts';
import type { ClientRecord } from '../../../src/verify/safety/witnesses/client-record.ts';
import type { Chance } from '../chance.ts';
import type { RecordFile } from '../processes/record-file.ts';
import type { Answer, ApiRequest, Caller } from './http-caller.ts';
import type { Ledger } from './ledger.ts';

/** One thing that a client does; never rejects. */
export type Act = () => Promise<void>;

export interface Acts {
  draw(): Act;
  /** Submits one job of a type, until it is acknowledged; answers its id, null if it was given up. */
  submit(type: string, queue: string, ms: number): Promise<string | null>;
  /** Submits so many quick jobs together. */
  submitBatch(count: number): Promise<void>;
  /** Leaves nothing paused. */
  finish(): Promise<void>;
}

interface ActOptions {
  readonly caller: Caller;
  readonly ledger: Ledger;
  readonly records: RecordFile<ClientRecord>;
  readonly chance: Chance;
}

const UNIQUE_KEYS = 15;
/** Of a hundred jobs, so many are of each type. */
const types: readonly (readonly [type: string, share: number])[] = [
  ['quick', 50],
  ['slow', 12],
  ['deaf', 6],
  ['flaky', 10],
  ['snoozes', 4],
  ['doomed', 3],
  ['effect', 15],
];

export function createActs(options: ActOptions): Acts {
  return new Client(options);
}

class Client implements Acts {
  readonly #caller: Caller;
  readonly #ledger: Ledger;
  readonly #records: RecordFile<ClientRecord>;
  readonly #chance: Chance;
  #n = 0;

  constructor({ caller, ledger, records, chance }: ActOptions) {
    this.#caller = caller;
    this.#ledger = ledger;
    this.#records = records;
    this.#chance = chance;
  }

  draw(): Act {
    const of100 = this.#chance.between(1, 100);
    if (of100 <= 62) return () => this.#submitOne();
    if (of100 <= 74) return () => this.#submitMany(this.#someJobs());
    if (of100 <= 84) return () => this.#submitUnique();
    if (of100 <= 90) return () => this.#submitLoose();
    if (of100 <= 96) return () => this.#cancel();
    if (of100 <= 98) return () => this.#pauseOrResume();
    return () => this.#retryDead();
  }

  async submit(type: string, queue: string, ms: number): Promise<string | null> {
    const job = { ...this.#jobOf(type, ms), queue };
    const answer = await this.#caller.persist(submission(job, `key-${job.payload.n}`));
    return this.#acknowledge(answer, job);
  }

  submitBatch(count: number): Promise<void> {
    const jobs = Array.from({ length: count }, () => ({
      ...this.#jobOf('quick', 0),
      queue: 'main',
    }));
    return this.#submitMany(jobs);
  }

  async finish(): Promise<void> {
    await this.#command('/v1/queues/side/resume');
  }

  /** With a key, and repeated until it is acknowledged; now and then once more after that. */
  async #submitOne(): Promise<void> {
    const job = this.#newJob();
    const request = submission(job, `key-${job.payload.n}`);
    const answer = await this.#caller.persist(request);
    const id = this.#acknowledge(answer, job);
    if (id === null || !this.#chance.oneIn(8)) return;
    const again = await this.#caller.persist(request);
    const same = again === null ? id : (again.body['job'] as { id: string } | undefined)?.id;
    if (same !== id) this.#ledger.complain(`key-${job.payload.n} answered ${id}, and then ${same}`);
  }

  async #submitMany(jobs: readonly ChaosJob[]): Promise<void> {
    const answer = await this.#caller.persist({
      method: 'POST',
      path: '/v1/jobs/batch',
      body: { jobs },
      idempotencyKey: `batch-${jobs[0]?.payload.n}`,
    });
    if (answer === null) return;
    const born = answer.body['jobs'] as readonly { id: string }[] | undefined;
    if (answer.status !== 201 || born?.length !== jobs.length) return this.#unexpected(answer);
    for (const [index, { payload, type }] of jobs.entries()) {
      this.#ledger.acknowledge(born[index]?.id ?? '', { n: payload.n, type });
    }
  }

  /** At most one live job per key; that one is held already is a good answer. */
  async #submitUnique(): Promise<void> {
    const ms = this.#chance.between(200, 1_200);
    const job = { ...this.#jobOf('slow', ms), queue: 'main' };
    const uniqueKey = `unique-${this.#chance.between(1, UNIQUE_KEYS)}`;
    const request = submission({ ...job, uniqueKey }, `key-${job.payload.n}`);
    const answer = await this.#caller.persist(request);
    if (answer?.body['code'] === 'unique-key-held') return;
    this.#acknowledge(answer, job);
  }

  /** Without a key, and so not repeated: where the answer is lost, nobody knows. */
  async #submitLoose(): Promise<void> {
    const job = this.#newJob();
    const answer = await this.#caller.once(submission(job));
    if (answer !== null) this.#acknowledge(answer, job);
  }

  async #cancel(): Promise<void> {
    const job = this.#ledger.recent((count) => this.#chance.between(0, Math.max(0, count - 1)));
    if (job === undefined) return;
    // Before the answer, which may be lost.
    job.cancelAsked = true;
    await this.#command(`/v1/jobs/${job.id}/cancel`);
  }

  async #pauseOrResume(): Promise<void> {
    await this.#command(`/v1/queues/side/${this.#chance.oneIn(3) ? 'pause' : 'resume'}`);
  }

  async #retryDead(): Promise<void> {
    const job = this.#ledger.recent((count) => this.#chance.between(0, Math.max(0, count - 1)));
    if (job?.type === 'doomed') await this.#command(`/v1/jobs/${job.id}/retry`);
  }

  /** What it acknowledges must be in the log; that the state does not allow it is a good answer. */
  async #command(path: string): Promise<void> {
    const answer = await this.#caller.persist({ method: 'POST', path });
    if (answer === null || answer.status === 409) return;
    const token = parseWriteToken(String(answer.body['token']));
    if (answer.status !== 200 || token === undefined) return this.#unexpected(answer);
    const { streamId, version } = token;
    this.#records.add({ kind: 'written', streamId, version, by: 'client' });
  }

  #acknowledge(answer: Answer | null, { payload, type }: ChaosJob): string | null {
    if (answer === null) return null;
    const id = (answer.body['job'] as { id: string } | undefined)?.id;
    if (answer.status !== 201 || id === undefined) {
      this.#unexpected(answer);
      return null;
    }
    this.#ledger.acknowledge(id, { n: payload.n, type });
    return id;
  }

  #unexpected({ status, body }: Answer): void {
    this.#ledger.complain(`unexpected answer: ${status} ${JSON.stringify(body).slice(0, 200)}`);
  }

  #someJobs(): ChaosJob[] {
    return Array.from({ length: this.#chance.between(2, 12) }, () => this.#newJob());
  }

  #newJob(): ChaosJob {
    let place = this.#chance.between(1, 100);
    const [type] = types.find(([, share]) => (place -= share) <= 0) ?? ['quick'];
    const ms = this.#chance.between(50, 1_500);
    const delay = this.#chance.oneIn(6) ? { delayMs: this.#chance.between(100, 3_000) } : {};
    return { ...this.#jobOf(type, ms), ...delay };
  }

  #jobOf(type: string, ms: number): ChaosJob {
    this.#n += 1;
    const n = this.#n;
    const isLong = type === 'slow' || type === 'deaf';
    const queue = isLong ? 'long' : this.#chance.oneIn(4) ? 'side' : 'main';
    return { type, queue, payload: { n, ms }, correlationId: `n-${n}` };
  }
}

interface ChaosJob {
  readonly type: string;
  readonly queue: string;
  readonly payload: { readonly n: number; readonly ms: number };
  readonly correlationId: string;
  readonly delayMs?: number;
}

function submission(job: ChaosJob & { uniqueKey?: string }, idempotencyKey?: string): ApiRequest {
  const keyed = idempotencyKey === undefined ? {} : { idempotencyKey };
  return { method: 'POST', path: '/v1/jobs', body: job, ...keyed };
}
