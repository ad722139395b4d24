import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

/** A JSON answer, with its status. */
export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever came
  readonly body: any;
}

export async function getJson(url: string): Promise<Answer> {
  const answer = await fetch(url);
  return { status: answer.status, body: await answer.json() };
}

export async function postJson(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** The first answer that `accept` holds of; fails with the last one when the time is over. */
export function readUntil(
  url: string,
  accept: (body: Answer['body']) => boolean,
  timeout = PATIENCE_MS,
): Promise<Answer['body']> {
  const read = async () => {
    const { body } = await getJson(url);
    if (!accept(body)) throw new Error(`Not so yet: ${JSON.stringify(body)}`);
    return body;
  };
  return vi.waitFor(read, { timeout, interval: 50 });
}
