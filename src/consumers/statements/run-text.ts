import type { Client } from '../../store/database.ts';
import { defineStatement, type Statement } from '../../store/statement.ts';

/** Runs a statement that makes or drops what belongs to a build. */
export async function runText(client: Client, text: string): Promise<void> {
  await client.query(text);
}

/** A statement that was put together when a build was made. @param name tells it from every other */
export function statementOf(name: string, text: string): Statement<readonly unknown[], never> {
  return defineStatement({ name, prepared: true, sql: () => text, values: (values) => values });
}
