const SECRET_KEY = /passw(or)?d|secret|authorization|api[-_]?key|lease[-_]?token/i;
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@]+@/gi;
const SETTING_PASSWORD = /\b(password\s*=\s*)('[^']*'|\S+)/gi;

const HIDDEN = '***';
const MAX_DEPTH = 6;

/**
 * A copy that may be logged: passwords and lease tokens hidden, in values and in texts; errors with
 * their code and causes; whatever JSON cannot carry as a text. Never throws.
 */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return hidden(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (value instanceof Error) return shownError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) return value.map((each) => redacted(each, depth + 1));
  const shown: Record<string, unknown> = {};
  for (const [key, each] of entriesOf(value)) {
    shown[key] = SECRET_KEY.test(key) ? HIDDEN : redacted(each, depth + 1);
  }
  return shown;
}

function hidden(text: string): string {
  return text.replaceAll(URL_PASSWORD, `$1${HIDDEN}@`).replaceAll(SETTING_PASSWORD, `$1${HIDDEN}`);
}

function shownError(error: Error, depth: number): unknown {
  const { cause } = error;
  const causes = error instanceof AggregateError ? error.errors : cause;
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: hidden(error.message),
    ...(typeof error.stack === 'string' ? { stack: hidden(error.stack) } : {}),
    ...(causes === undefined ? {} : { cause: redacted(causes, depth + 1) }),
  };
}

/** A getter may throw; what cannot be read is not shown. */
function entriesOf(value: object): [string, unknown][] {
  try {
    return Object.entries(value);
  } catch (error) {
    return [['unreadable', error instanceof Error ? error.message : 'yes']];
  }
}
