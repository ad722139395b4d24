import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DaybookError } from '../../kernel/errors.ts';
import type { JobDefinition } from './define-job.ts';

/**
 * The array of definitions that a module exports as `jobs`; none without a module.
 * @throws DaybookError `jobs-module-invalid`
 */
export async function loadJobs(module: string | undefined): Promise<readonly JobDefinition[]> {
  if (module === undefined) return [];
  const file = resolve(module);
  if (!existsSync(file)) {
    throw new DaybookError('jobs-module-invalid', `There is no jobs module at ${file}.`);
  }
  const loaded = (await import(pathToFileURL(file).href).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The jobs module ${file} could not be loaded: ${reason}`;
    throw new DaybookError('jobs-module-invalid', message, { cause: error });
  })) as { jobs?: unknown };
  const { jobs } = loaded;
  if (Array.isArray(jobs) && jobs.every(isDefinition)) return jobs;
  throw new DaybookError(
    'jobs-module-invalid',
    `${file} exports no array of definitions as "jobs".`,
  );
}

function isDefinition(value: unknown): value is JobDefinition {
  if (typeof value !== 'object' || value === null) return false;
  return 'type' in value && 'handler' in value && 'payload' in value;
}
