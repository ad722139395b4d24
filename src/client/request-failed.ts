/** An answer of the server that is no success. `code` is stable and listed in docs/errors.md. */
export class RequestFailed extends Error {
  readonly status: number;
  readonly code: string;
  /** The same request may go through later. */
  readonly retryable: boolean;
  /** The whole problem+json; empty where the answer was none. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const { code, detail, title } = problem;
    super(textOr(detail, textOr(title, `The server answered ${status}.`)));
    this.name = 'RequestFailed';
    this.status = status;
    this.code = textOr(code, 'unknown');
    this.retryable = problem['retryable'] === true || status >= 500 || status === 429;
    this.problem = problem;
  }
}

/** The answer itself, if it is a success. @throws RequestFailed */
export async function succeeded(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  const text = await answer.text();
  throw new RequestFailed(answer.status, problemIn(text));
}

function problemIn(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    // Something between here and the server answered in words of its own; the status says enough.
    return {};
  }
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}
