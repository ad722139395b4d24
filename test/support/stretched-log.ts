import type { TestDatabase } from './test-database.ts';

/**
 * Spreads a log of some hundred events over millions of positions, so that many landmarks lie in it:
 * event n comes to stand at `n * factor`. The positions in between are empty, which no real log has;
 * whoever reads ranges of positions does not mind. The log must be in one partition, and is not to
 * grow any more.
 */
export async function stretchLog(db: TestDatabase, factor: number): Promise<void> {
  const client = await db.connect();
  await client.query('drop trigger events_are_immutable on events');
  await client.query('create temp table stretched as select * from events');
  await client.query('delete from events');
  await client.query(`update stretched set position = position * ${factor}`);
  await client.query('insert into events select * from stretched');
  await client.query('create temp table batches as select * from log_batches');
  await client.query('delete from log_batches');
  await client.query(
    `insert into log_batches select last_position * ${factor}, recorded_at from batches`,
  );
  await client.query(`update log_head set position = position * ${factor}`);
}
