import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobs } from '../../examples/starter/jobs.ts';
import type { JobContext } from '../../src/workers/job-context.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const context = {
  signal: new AbortController().signal,
  progress: () => undefined,
} as unknown as JobContext;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'test', 'starter-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const checksum = async (path: string): Promise<unknown> => jobs[0]?.handler({ path }, context);

describe('the checksum of the starter', () => {
  it('is of a file inside the repository', async () => {
    writeFileSync(join(folder, 'file'), 'a\nb\n');
    expect(await checksum(relative(root, join(folder, 'file')))).toMatchObject({
      sha256: '911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2',
      lines: 2,
      bytes: 4,
    });
  });

  it('is refused for good outside of it, also behind a link', async () => {
    symlinkSync('/etc/passwd', join(folder, 'link'));
    for (const path of ['/etc/passwd', '..', relative(root, join(folder, 'link'))]) {
      await expect(checksum(path)).rejects.toMatchObject({ retryable: false });
    }
  });

  it('may be tried again for a file that is not there', async () => {
    await expect(checksum('no-such-file')).rejects.not.toHaveProperty('retryable', false);
  });
});
