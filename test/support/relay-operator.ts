import type { CommandTarget } from '../../src/maintenance/commands.ts';
import type { TestDaybook } from './open-daybook.ts';

/** Somebody who gives the relay's commands, and reads what they print. */
export interface RelayOperator {
  /** The database, for a command. */
  command(): CommandTarget;
  /** What a command prints. */
  said(work: Promise<unknown>): Promise<string>;
}

/** @param daybook whose database it is, once it is there */
export function createRelayOperator(daybook: () => TestDaybook): RelayOperator {
  const printed: string[] = [];
  return {
    command: () => ({
      connectionString: daybook().db.connectionString,
      schema: 'daybook',
      print: (line) => printed.push(line),
      note: () => undefined,
    }),
    async said(work) {
      printed.length = 0;
      await work;
      return printed.join('\n');
    },
  };
}
