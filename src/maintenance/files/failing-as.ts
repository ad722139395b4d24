import { DaybookError } from '../../kernel/errors.ts';

/**
 * What work comes to; an error of the file system is told with the name of the file.
 * @throws DaybookError `invalid-options` for a file that cannot be read or written
 */
export async function failingAs<Result>(file: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const message = `${file} cannot be used: ${error.message}`;
    throw new DaybookError('invalid-options', message, { cause: error });
  }
}
