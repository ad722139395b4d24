import { DaybookError, isDaybookError } from '../kernel/errors.ts';
import type { CommandOptions } from './write-context.ts';

type Method = (...given: unknown[]) => Promise<unknown>;

/**
 * The methods, throwing nothing but DaybookErrors: `closed` once that is so, and `internal` for what
 * nobody foresaw. What a caller's own client answers comes as it is: whoever holds the transaction
 * may have to tell a serialization failure from others.
 */
export function guarded<Methods extends object>(methods: Methods, isOver: () => boolean): Methods {
  const guard =
    (method: Method): Method =>
    async (...given) => {
      if (isOver()) throw closedError();
      try {
        return await method(...given);
      } catch (error) {
        const { client } = (given.at(-1) ?? {}) as CommandOptions;
        if (isDaybookError(error) || client !== undefined) throw error;
        const message = error instanceof Error ? error.message : String(error);
        throw new DaybookError('internal', message, { cause: error });
      }
    };
  const entries = Object.entries(methods).map(([name, member]: [string, unknown]) => {
    return [name, typeof member === 'function' ? guard(member as Method) : member];
  });
  return Object.fromEntries(entries) as Methods;
}

export function closedError(): DaybookError {
  return new DaybookError('closed', 'This Daybook was closed.');
}
