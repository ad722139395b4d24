import type pg from 'pg';
import type { Executor } from '../statement.ts';
import { isLost } from './in-time.ts';

export interface TransactionOptions {
  connect(): Promise<pg.PoolClient>;
  on(client: pg.PoolClient): Executor;
  /** Waits for the answer to `begin`, perhaps not as long as it takes. */
  begun(asked: Promise<unknown>): Promise<unknown>;
  /** What an error of the driver's means. */
  explain(error: unknown): unknown;
  /** Of each statement; none: as long as it likes. */
  readonly timeout: { readonly query_timeout?: number };
  /** How long it may be open with nothing to do before the server ends it, in ms. */
  readonly idleMs: number;
}

/** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
export async function inTransaction<Result>(
  { connect, on, begun, explain, timeout, idleMs }: TransactionOptions,
  work: (tx: Executor, client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await connect().catch((error: unknown) => {
    throw explain(error);
  });
  const send = (text: string) => client.query({ text, ...timeout });
  let broken: Error | undefined;
  // The pool listens only to clients that are idle: without this, a connection that the server ends
  // between two statements would end the process.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await begun(send(`begin; set local idle_in_transaction_session_timeout = ${idleMs}`));
    const result = await work(on(client), client);
    await send('commit');
    return result;
  } catch (error) {
    const told = explain(error);
    // Where nothing is answered any more, a rollback would wait behind what hangs. One that fails
    // leaves a connection that is of no use; the first error is the one to tell.
    if (isLost(told)) broken ??= asError(told);
    else broken ??= await send('rollback').then(() => undefined, asError);
    throw told;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('the connection failed');
}
