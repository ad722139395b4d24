import { setTimeout as wait } from 'node:timers/promises';

/** What an API answered. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Caller {
  /**
   * Asks until it is answered with something that does not say "later", on whatever API there is; null
   * if nobody answered so for too long. Only for requests that are safe to repeat.
   */
  persist(request: ApiRequest): Promise<Answer | null>;
  /** Asks once; null if the answer was lost, or said "later". */
  once(request: ApiRequest): Promise<Answer | null>;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

const TIMEOUT_MS = 8_000;
const GIVE_UP_MS = 120_000;

/**
 * A client that knows several servers, and asks another one when the first does not answer.
 * @param onDefect told of answers that say that something is wrong inside, and not around
 */
export function createCaller(
  urls: readonly string[],
  random: () => number,
  onDefect: (answer: Answer) => void,
): Caller {
  const once = async (request: ApiRequest): Promise<Answer | null> => {
    const url = urls[Math.floor(random() * urls.length)] ?? '';
    const answer = await send(url, request).catch(() => null);
    if (answer?.status === 500) onDefect(answer);
    return answer === null || isLater(answer) ? null : answer;
  };
  return {
    once,
    async persist(request) {
      const began = performance.now();
      for (let tries = 0; performance.now() - began < GIVE_UP_MS; tries += 1) {
        const answer = await once(request);
        if (answer !== null) return answer;
        await wait(Math.min(1_000, 50 * 2 ** tries) * (0.5 + random() / 2));
      }
      return null;
    },
  };
}

function isLater({ status, body }: Answer): boolean {
  return status >= 500 || status === 429 || body['retryable'] === true;
}

async function send(url: string, request: ApiRequest): Promise<Answer> {
  const { method, path, body, idempotencyKey } = request;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}
