import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { DaybookError } from '../../kernel/errors.ts';

/**
 * Levels of nesting. Writing JSON again, here or in Postgres, overflows a stack somewhere beyond
 * 4,000; a payload that could be stored and not be handed to its worker would be poison.
 */
const MAX_DEPTH = 500;

/**
 * Takes JSON and nothing else; no body at all passes as null, whatever Content-Type says, for the
 * operations that need none. Keys such as `__proto__` are refused, and so is what is not UTF-8:
 * decoding it all the same would alter it in silence.
 */
export function takeJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    (request, body, done) => {
      if (body.length === 0) {
        done(null, null);
        return;
      }
      const fault = faultOf(body, request.headers);
      if (fault !== null) done(fault);
      else void parse(request, body.toString(), done);
    },
  );
}

function faultOf(body: Buffer, headers: IncomingHttpHeaders): DaybookError | null {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    return new DaybookError('unsupported-media-type', 'The charset of the body must be utf-8.');
  }
  if (!/^(identity)?$/i.test(headers['content-encoding'] ?? '')) {
    return new DaybookError('unsupported-media-type', 'The body must not be compressed.');
  }
  if (!isUtf8(body)) return new DaybookError('malformed-request', 'The body is not UTF-8.');
  return isTooDeep(body) ? tooDeep() : null;
}

const CHARSET = /;\s*charset\s*=\s*["']?([^\s;"']*)/i;

function tooDeep(): DaybookError {
  return new DaybookError(
    'malformed-request',
    `The body is nested deeper than ${MAX_DEPTH} levels.`,
  );
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Counts brackets outside strings, in bytes, which are characters where they are below 0x80; a text too short to hold enough of them is not looked at. */
function isTooDeep(json: Buffer): boolean {
  if (json.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < json.length; index += 1) {
    const character = json[index];
    if (inString) {
      if (character === BACKSLASH) index += 1;
      else if (character === QUOTE) inString = false;
    } else if (character === QUOTE) {
      inString = true;
    } else if (character === 0x5b || character === 0x7b) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (character === 0x5d || character === 0x7d) {
      depth -= 1;
    }
  }
  return false;
}
