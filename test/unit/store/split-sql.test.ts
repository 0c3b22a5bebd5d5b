import { expect, test } from 'vitest';
import { splitStatements } from '../../../src/store/split-sql.ts';

test('a semicolon in a comment, a string, a quoted name or a body ends no statement', () => {
  const statements = [
    `-- one; two\nSELECT 'a;''b', "c;d"`,
    'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n  PERFORM 1;\nEND $$',
    'SELECT 2',
  ];
  expect(splitStatements(`${statements.join(';\n\n')};\n-- the end;\n`)).toEqual(statements);
});

test('a text of comments has no statement', () => {
  expect(splitStatements('-- nothing\n;\n\n-- at all')).toEqual([]);
});
