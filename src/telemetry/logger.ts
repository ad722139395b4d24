import { redacted } from './redact.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof logLevels)[number];

type LogContext = Readonly<Record<string, unknown>>;

/** Writes what happened, one line each. Never throws. */
export interface Logger {
  debug(message: string, context?: LogContext): void;
  info(message: string, context?: LogContext): void;
  warn(message: string, context?: LogContext): void;
  error(message: string, context?: LogContext): void;
}

export interface LoggerOptions {
  /** Where lines go: process.stderr, or anything with `write`. */
  readonly stream: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Lines below this level are dropped; default `info`. */
  readonly level?: LogLevel;
  /** Default: `human` on a terminal, `json` anywhere else. */
  readonly format?: 'human' | 'json';
  /** Wall time in ms since the epoch. */
  readonly nowMs?: () => number;
}

export function createLogger(options: LoggerOptions): Logger {
  const { stream, level: lowest = 'info', nowMs = Date.now } = options;
  const format = options.format ?? (stream.isTTY === true ? 'human' : 'json');
  const line = format === 'human' ? humanLine : jsonLine;

  const logAt = (level: LogLevel) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(lowest)) return () => undefined;
    return (message: string, context: LogContext = {}) => {
      const shown = redacted(context) as LogContext;
      stream.write(`${line(new Date(nowMs()), level, redacted(message) as string, shown)}\n`);
    };
  };
  return { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
}

function jsonLine(time: Date, level: LogLevel, message: string, context: LogContext): string {
  return JSON.stringify({ ...context, time: time.toISOString(), level, message });
}

/** `12:03:04.123 warn  the sequencer failed and tries again  error="..."` */
function humanLine(time: Date, level: LogLevel, message: string, context: LogContext): string {
  const clock = time.toISOString().slice(11, 23);
  const facts = Object.entries(context).map(([key, value]) => `  ${key}=${shortly(value)}`);
  return `${clock} ${level.padEnd(5)} ${oneLine(message)}${facts.join('')}`;
}

interface ShownError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: unknown;
}

function shortly(value: unknown): string {
  if (isShownError(value)) return JSON.stringify(sentence(value));
  if (typeof value === 'string') return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

/** An error in one sentence, with what led to it; and where it arose, if it has no code. */
function sentence(error: ShownError): string {
  const code = error.code === undefined ? '' : ` ${error.code}`;
  const frame = error.code === undefined ? /\n\s+(at .+)/.exec(error.stack ?? '')?.[1] : undefined;
  const place = frame === undefined ? '' : ` (${frame})`;
  const causes = [error.cause].flat().filter(isShownError);
  const because = causes.map((cause) => `, because ${sentence(cause)}`).join('');
  return `${error.name}${code}: ${oneLine(error.message)}${place}${because}`;
}

function isShownError(value: unknown): value is ShownError {
  if (typeof value !== 'object' || value === null) return false;
  return 'message' in value && 'name' in value && typeof value.message === 'string';
}

/** What a message from outside must not do is begin a line of its own. */
function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll(/\p{Cc}/gu, '\uFFFD');
}
