import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** Each promise and rule of docs/guarantees.md, with the tests that it names. */
const guarantees = read('docs/guarantees.md')
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const [heading = '', ...lines] = section.split('\n');
    const tests = lines.flatMap((line) => {
      const [, file, name] = /^- `(test\/[^`]+)`: (.+)$/.exec(line) ?? [];
      return file === undefined || name === undefined ? [] : [{ file, name }];
    });
    return { heading, tests };
  })
  .filter(({ heading }) => /^(Promise|Rule)/.test(heading));

describe('docs/guarantees.md', () => {
  it('has every promise of the README, in its words', () => {
    const [, list = ''] = read('README.md').split('## What it promises');
    const promised = [...(list.split('\n## ')[0] ?? '').matchAll(/^(\d)\. \*\*(.+?)\*\*/gm)].map(
      ([, number, words]) => `Promise ${number}: ${words}`,
    );
    expect(promised).toHaveLength(6);
    const told = guarantees.map(({ heading }) => heading);
    expect(told.filter((heading) => heading.startsWith('Promise'))).toEqual(promised);
  });

  it.each(guarantees)('$heading', ({ tests }) => {
    expect(tests.length).toBeGreaterThan(0);
    for (const { file, name } of tests) {
      expect(existsSync(new URL(file, root)), `${file} is gone`).toBe(true);
      const title = new RegExp(`\\(\\s*['"\`]${escaped(name)}['"\`]\\s*,`);
      expect(title.test(read(file)), `${file} has no test "${name}"`).toBe(true);
    }
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
