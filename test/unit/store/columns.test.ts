import { expect, it } from 'vitest';
import { jsonColumn, plainColumn, sparseColumn } from '../../../src/store/parameters/columns.ts';

it('writes numbers, UUIDs and JSON as they are', () => {
  expect(plainColumn([1, 20, 3])).toBe('{1,20,3}');
  expect(plainColumn(['ab', 'cd'])).toBe('{ab,cd}');
  expect(jsonColumn(['{"a":"\\"}"}', 'null', '"x"'])).toBe('[{"a":"\\"}"},null,"x"]');
});

it('quotes texts, and whatever Postgres would read as something else', () => {
  expect(sparseColumn(['a"b', 'c\\d', '', 'NULL', '{x,y}', 'NULL'])).toBe(
    String.raw`{"a\"b","c\\d","","NULL","{x,y}","NULL"}`,
  );
});

it('tells null from the value before it, and from none', () => {
  expect(sparseColumn([null, 'a', 'a', null, 0, null])).toBe('{NULL,"a","a",NULL,0,NULL}');
  expect(sparseColumn([null, null])).toBe('{}');
  expect(sparseColumn([])).toBe('{}');
});
