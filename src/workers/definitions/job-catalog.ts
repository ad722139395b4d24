import type { z } from 'zod';
import type { JobCatalog, JobDefaults } from '../../commands/write-context.ts';
import { DaybookError } from '../../kernel/errors.ts';
import type { JobDefinition } from './define-job.ts';

/** A definition of any payload, as the catalog holds it. */
export type AnyJobDefinition = JobDefinition;

/** The definitions of this process, by type. */
export interface Definitions extends JobCatalog {
  readonly types: readonly string[];
  get(type: string): AnyJobDefinition | undefined;
}

/** @throws DaybookError `jobs-module-invalid` for two definitions of one type */
export function createDefinitions(definitions: readonly AnyJobDefinition[]): Definitions {
  const byType = new Map<string, AnyJobDefinition>();
  for (const definition of definitions) {
    if (byType.has(definition.type)) {
      throw new DaybookError('jobs-module-invalid', `"${definition.type}" is defined twice.`);
    }
    byType.set(definition.type, definition);
  }
  return {
    types: [...byType.keys()],
    get: (type) => byType.get(type),
    defaultsOf(type): JobDefaults | undefined {
      const definition = byType.get(type);
      if (definition === undefined) return undefined;
      const { queue, priority, maxAttempts, retry, timeoutMs } = definition;
      const retryPolicy = typeof retry === 'function' ? ({ kind: 'custom' } as const) : retry;
      return { queue, priority, maxAttempts, retryPolicy, timeoutMs };
    },
    parsePayload(type, payload) {
      const definition = byType.get(type);
      // What is stored is what was submitted; the handler gets what the schema makes of it.
      if (definition !== undefined) parsePayload(definition, payload);
      return payload;
    },
  };
}

/** The payload as the definition's schema puts it out. @throws DaybookError `payload-invalid` */
export function parsePayload(definition: AnyJobDefinition, payload: unknown): unknown {
  const parsed = definition.payload.safeParse(payload);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => ({
    pointer: pointerOf(issue),
    message: issue.message,
  }));
  const first = fields[0];
  throw new DaybookError(
    'payload-invalid',
    `The payload does not fit "${definition.type}": ${first?.pointer} ${first?.message}`,
    { fields },
  );
}

/** An issue's path as a JSON pointer (RFC 6901) below `/payload`. */
function pointerOf(issue: z.core.$ZodIssue): string {
  const steps = issue.path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'));
  return ['/payload', ...steps].join('/');
}
