import { setTimeout as wait } from 'node:timers/promises';

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

/** Repeats a read until `accept` holds; the last answer when the time is over, for the assertion. */
export async function readUntil(
  url: string,
  accept: (body: Answer['body']) => boolean,
  withinMs = 30_000,
): Promise<Answer['body']> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const { body } = await getJson(url);
    if (accept(body) || performance.now() > deadline) return body;
    await wait(50);
  }
}
