import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startScript } from '../../scripts/script-process.ts';

const mailer = fileURLToPath(new URL('../../examples/mailer/main.ts', import.meta.url));

it('mails everybody once, with the worker killed half-way', async () => {
  const script = startScript(mailer, ['--kill']);
  expect({ code: await script.exited, output: script.output }).toMatchObject({ code: 0 });
  expect(script.output).toMatch(/Killed the worker at 12\d\d mails/);
  expect(script.output).not.toContain('WRONG');
  // The server refused 240 for now and 60 for good, and the kill left some in its hands.
  expect(script.output).toMatch(/\b2340 {2}completed/);
  expect(script.output).toMatch(/\b60 {2}dead/);
  expect(script.output).toMatch(/\b2\d\d {2}retried/);
  expect(script.output).toMatch(/\b[1-9]\d* {2}interrupted/);
});
