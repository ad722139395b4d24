import type { Finding } from '../finding.ts';
import { type SchemaDescription, tableOf } from './schema-description.ts';

const REPAIR = 'Put it back as expected, or restore the schema from a backup.';

/**
 * Where a schema is not as expected. Things that Daybook does not know are left alone, unless they
 * are parts of its own tables: these may refuse its writes, or slow them down.
 * @param newer a newer version has migrated it: what is added there is expected
 */
export function compareSchemas(
  expected: SchemaDescription,
  found: SchemaDescription,
  newer: boolean,
): Finding[] {
  const findings: Finding[] = [];
  for (const [thing, definition] of expected) {
    const present = found.get(thing);
    if (present === definition) continue;
    // One missing table is one finding.
    if (present === undefined && isPartOfMissing(thing, found)) continue;
    findings.push({
      check: 'schema',
      level: 'wrong',
      subject: thing,
      message: present === undefined ? `${thing} is missing` : `${thing} is not as expected`,
      expected: definition,
      ...(present === undefined ? {} : { found: present }),
      advice: REPAIR,
    });
  }
  if (newer) return findings;
  for (const [thing, definition] of found) {
    if (expected.has(thing) || !expected.has(`table ${tableOf(thing)}`)) continue;
    findings.push(unknownPart(thing, definition));
  }
  return findings;
}

function isPartOfMissing(thing: string, found: SchemaDescription): boolean {
  const table = `table ${tableOf(thing)}`;
  return thing !== table && !found.has(table) && !/^(function|sequence|view) /.test(thing);
}

function unknownPart(thing: string, definition: string): Finding {
  const refusesWrites =
    thing.startsWith('column ') && /not null(?!.*(default|identity|generated))/.test(definition);
  return {
    check: 'schema',
    level: refusesWrites ? 'wrong' : 'risky',
    subject: thing,
    message: refusesWrites
      ? `${thing} is unknown to this version, and has to have a value: nothing can be written`
      : `${thing} is unknown to this version`,
    found: definition,
    advice: 'Take it away, unless you know that it neither refuses nor slows down writes.',
  };
}
