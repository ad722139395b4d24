import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { startDaybook, startScript } from '../../scripts/script-process.ts';
import { openDaybook } from '../../src/daybook.ts';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { getJson, postJson } from '../support/http.ts';
import { lastingPort } from '../support/lasting-port.ts';

const fixture = fileURLToPath(new URL('fixtures/worker.ts', import.meta.url));

it('goes on when Postgres stops and comes back: no process ends, no job is lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-restart-'));
  chmodSync(folder, 0o755);
  const dataFolder = join(folder, 'postgres');
  const port = await lastingPort();
  let postgres = await startEmbeddedPostgres({ dataFolder, port });
  const { connectionString } = postgres;
  const daybook = await openDaybook({ connectionString, migrate: true });
  const worker = startScript(fixture, [connectionString, '{"pollMs":50,"leaseMs":30000}']);
  const server = startDaybook(['start', '--port', '0', '--queue', 'elsewhere'], {
    env: { DATABASE_URL: connectionString },
  });
  try {
    await worker.line(/^ready/);
    const [, url = ''] = await server.line(/listens at (\S+)/);
    const submit = () => postJson(`${url}/v1/jobs`, { type: 'echo', payload: 'over HTTP' });
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
    const refused = await submit();
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ code: 'database-unavailable', retryable: true });
    expect((await getJson(`${url}/health/live`)).status).toBe(200);
    expect((await getJson(`${url}/health/ready`)).status).toBe(503);
    postgres = await startEmbeddedPostgres({ dataFolder, port });
    const ended = await Promise.all(ids.map(({ id }) => daybook.waitFor(id)));
    expect(ended.map(({ phase }) => phase)).toEqual(ids.map(() => 'completed'));
    expect(ended.map(({ state }) => state.failures)).toEqual(ids.map(() => 0));
    await vi.waitFor(async () => expect((await submit()).status).toBe(201));
    await vi.waitFor(async () => expect((await getJson(`${url}/health/ready`)).status).toBe(200));
    expect(worker.child.exitCode).toBeNull();
    expect(server.child.exitCode).toBeNull();
  } finally {
    await worker.stop('SIGKILL');
    await server.stop('SIGTERM');
    await daybook.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
