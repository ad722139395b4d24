import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { defineJob, NotRetryableError } from '../../src/daybook.ts';

const root = await realpath(fileURLToPath(new URL('../..', import.meta.url)));

/** SHA-256 and line count of a file inside this repository. */
const checksum = defineJob({
  type: 'checksum',
  payload: z.strictObject({ path: z.string().min(1).max(1_000) }),
  maxAttempts: 3,
  retry: { kind: 'exponential', baseMs: 500, factor: 2, maxMs: 10_000, jitter: 0.1 },
  async handler({ path }, { signal, progress }) {
    // A path that leads out of the repository, by dots or by a link, is refused for good.
    const file = await realpath(resolve(root, path)).catch((error: unknown) => {
      throw new Error(`There is no file "${path}".`, { cause: error });
    });
    if (relative(root, file).startsWith('..')) {
      throw new NotRetryableError(`"${path}" is not inside this repository.`);
    }
    const hash = createHash('sha256');
    let lines = 0;
    let bytes = 0;
    for await (const chunk of createReadStream(file, { signal })) {
      const part = chunk as Buffer;
      hash.update(part);
      bytes += part.length;
      for (const byte of part) if (byte === 0x0a) lines += 1;
      progress({ bytes });
    }
    return { path, sha256: hash.digest('hex'), lines, bytes };
  },
});

export const jobs = [checksum];
