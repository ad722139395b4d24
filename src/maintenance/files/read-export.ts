import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { DaybookError } from '../../kernel/errors.ts';
import { failingAs } from './failing-as.ts';

/** An export that is read: what it is called, and its bytes. */
export interface ReadExport {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * The bytes of an export. What something has made of the file on its way is told as what it is, and
 * not as a line that was changed.
 * @param file `-` for stdin @param command that reads it, for what it says
 * @throws DaybookError `invalid-options` for a file that cannot be read; while it is read `source-refused`
 */
export async function readExport(file: string, command: string): Promise<ReadExport> {
  if (file === '-') return { name: 'stdin', chunks: checked(process.stdin, 'stdin', command) };
  const handle = await failingAs(file, open(file));
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new DaybookError('invalid-options', `${file} is a folder: name the file in it.`);
  }
  const name = basename(file);
  return { name, chunks: checked(handle.createReadStream(), name, command) };
}

async function* checked(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  command: string,
): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const chunk of chunks) {
    const wrong = isFirst ? notAsExported(chunk, name, command) : undefined;
    if (wrong !== undefined) throw refused(wrong);
    isFirst = false;
    yield chunk;
  }
  if (isFirst) throw refused(`${name} is empty.`);
}

/** Programs that compress, by the bytes with which what they write begins, and what undoes it. */
const compressed: readonly (readonly [string, readonly number[], string])[] = [
  ['gzip', [0x1f, 0x8b], 'gunzip'],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd], 'zstd -d'],
  ['bzip2', [0x42, 0x5a, 0x68], 'bunzip2'],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz -d'],
];
const byteOrderMarks = [
  [0xef, 0xbb, 0xbf],
  [0xff, 0xfe],
  [0xfe, 0xff],
];
const [LF, CR] = [10, 13];

/** What is wrong with the first bytes of an export, in a sentence. */
function notAsExported(chunk: Uint8Array, name: string, command: string): string | undefined {
  const beginsWith = (bytes: readonly number[]) => bytes.every((byte, at) => chunk[at] === byte);
  const [by, , undo] = compressed.find(([, bytes]) => beginsWith(bytes)) ?? [];
  if (by !== undefined) {
    const plain = name === 'stdin' ? undo : `${undo} < ${name}`;
    return `${name} is compressed by ${by}: give daybook ${command} - what "${plain}" prints.`;
  }
  if (byteOrderMarks.some(beginsWith)) {
    return `${name} begins with a byte order mark: a program has rewritten it since it was exported.`;
  }
  const end = chunk.indexOf(LF);
  if (end < 1 || chunk[end - 1] !== CR) return undefined;
  return `The lines of ${name} end with CR LF: a program has rewritten them since it was exported.`;
}

function refused(what: string): DaybookError {
  return new DaybookError('source-refused', `${what} Nothing was restored.`);
}
