import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { httpAnswers } from '../../src/api/problem.ts';
import { type ErrorCode, errorCatalogue } from '../../src/kernel/error-catalogue.ts';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const codes = Object.keys(errorCatalogue) as ErrorCode[];

/** The text of each section of docs/errors.md, by its heading, lines joined. */
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section): [string, string] => {
      const [heading = '', ...lines] = section.split('\n');
      return [heading, lines.join(' ').replaceAll(/\s+/g, ' ').trim()];
    }),
);

describe('docs/errors.md', () => {
  it('has one section for each code, in the order of the catalogue', () => {
    expect([...sections.keys()]).toEqual(codes);
    expect(page.match(/^## /gm)).toHaveLength(codes.length);
  });

  it.each(codes)('says of %s what the catalogue and the server say', (code) => {
    const section = sections.get(code);
    const { title, advice } = errorCatalogue[code];
    const answer = httpAnswers[code];
    const retry = answer?.retryAfterS;
    const again = retry === undefined ? '' : `, retryable, Retry-After: ${retry}`;
    const status = answer === null ? 'HTTP: none.' : `HTTP ${answer.status}${again}.`;
    expect(section).toMatch(new RegExp(`^\\*\\*${escaped(title)}\\.\\*\\* ${escaped(status)} `));
    expect(section).toContain(`What to do: ${advice}`);
    const meaning = section?.split(status)[1]?.split('What to do:')[0]?.trim();
    expect(meaning?.length).toBeGreaterThan(20);
  });
});

describe('the catalogue', () => {
  it('has codes in kebab-case, and titles and advice in sentences', () => {
    for (const code of codes) {
      const { title, advice } = errorCatalogue[code];
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect([code, title]).toEqual([code, expect.stringMatching(/^[A-Z].*[^.]$/)]);
      expect([code, advice]).toEqual([code, expect.stringMatching(/^[A-Z].*\.$/)]);
    }
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
