import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startScript } from '../../scripts/script-process.ts';

const example = fileURLToPath(new URL('../../examples/consumers/main.ts', import.meta.url));

it('the example of consumers keeps its read model and its list right, through a rebuild', async () => {
  const script = startScript(example, []);
  expect({ code: await script.exited, output: script.output }).toMatchObject({ code: 0 });
  expect(script.output).toContain('900 completed, 100 dead');
  expect(script.output).toContain('100 dead jobs, 2 failures each: division by zero');
  expect(script.output).toMatch(/ends-per-day +version 1, build 2/);
});
