import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaybook } from '../../scripts/script-process.ts';
import { openTestDaybook, type TestDaybook } from '../support/open-daybook.ts';

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await openTestDaybook();
});
afterAll(() => daybook.close());

async function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = { DATABASE_URL: daybook.db.connectionString };
  const command = startDaybook(args, { env });
  const code = await command.exited;
  return { code, output: command.output };
}

describe('daybook epoch', () => {
  it('shows the epochs, and opens a new one with a reason', async () => {
    const opened = await run('epoch', 'new', '--reason', 'volume snapshot of 04:00');
    expect(opened.output).toMatch(/^Opened epoch 2 after position 0\.$/m);
    expect(opened.code).toBe(0);
    const { code, output } = await run('epoch', '--schema', 'daybook');
    expect(output).toMatch(
      /^1 {2}\S+Z {2}after 0 {2}first {2}\(server \d+, timeline 1\)\n2 {2}\S+Z {2}after 0 {2}volume snapshot of 04:00 {2}\(server/,
    );
    expect(code).toBe(0);
    // The process that was open all the time hears of it.
    await expect.poll(() => daybook.context.epoch()).toBe(2);
    expect(daybook.warnings).toContain('the log is in another epoch than before');
  });

  it('says what is missing', async () => {
    expect(await run('epoch', 'new')).toMatchObject({
      code: 1,
      output: expect.stringContaining("required option '--reason <text>'") as string,
    });
    expect(await run('epoch', 'new', '--reason', ' ')).toMatchObject({
      code: 1,
      output: expect.stringContaining('[invalid-options]') as string,
    });
    const elsewhere = await run('epoch', 'new', '--schema', 'nowhere', '--reason', 'x');
    expect(elsewhere.output).toContain('[migration-needed]');
  });
});

describe('daybook start --read-only', () => {
  it('serves reads of the database it is given, and neither works nor keeps house', async () => {
    const { id } = await daybook.submit({ type: 'x' });
    const env = { DATABASE_URL: daybook.db.connectionString };
    const server = startDaybook(['start', '--read-only', '--port', '0'], { env });
    const [, url = ''] = await server.line(/listens at (\S+)/);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect(await (await fetch(`${url}/v1/jobs/${id}`)).json()).toMatchObject({ id });
    expect(await (await fetch(`${url}/v1/workers`)).json()).toEqual({ data: [] });
    await server.stop('SIGTERM');
  });

  it('brings no Postgres of its own', async () => {
    const command = startDaybook(['start', '--read-only'], { env: { DATABASE_URL: '' } });
    expect(await command.exited).toBe(1);
    expect(command.output).toContain('[invalid-options]');
  });
});
