import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { startScript } from '../../scripts/script-process.ts';
import { openDaybook } from '../../src/daybook.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';

const fixture = fileURLToPath(new URL('fixtures/worker.ts', import.meta.url));

it('goes on when Postgres stops and comes back: no process ends, no job is lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-restart-'));
  chmodSync(folder, 0o755);
  const dataFolder = join(folder, 'postgres');
  let postgres = await startEmbeddedPostgres({ dataFolder });
  const port = Number(new URL(postgres.connectionString).port);
  const { connectionString } = postgres;
  const daybook = await openDaybook({ connectionString, migrate: true });
  const worker = startScript(fixture, [connectionString, '{"pollMs":50,"leaseMs":30000}']);
  try {
    await worker.line(/^ready/);
    const ids = await daybook.submitMany(
      Array.from({ length: 40 }, () => ({ type: 'slow', payload: { ms: 100 } })),
    );
    await vi.waitFor(async () =>
      expect((await daybook.get(ids[0]?.id ?? ''))?.phase).toBe('completed'),
    );
    await postgres.stop();
    await expect(daybook.submit({ type: 'echo' })).rejects.toMatchObject({
      code: 'database-unavailable',
    });
    postgres = await startEmbeddedPostgres({ dataFolder, port });
    const ended = await Promise.all(
      ids.map(({ id }) => daybook.waitFor(id, { timeoutMs: 40_000 })),
    );
    expect(ended.map(({ phase }) => phase)).toEqual(ids.map(() => 'completed'));
    expect(ended.map(({ state }) => state.failures)).toEqual(ids.map(() => 0));
    expect(worker.child.exitCode).toBeNull();
  } finally {
    await worker.stop('SIGKILL');
    await daybook.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
