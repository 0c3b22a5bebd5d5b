/** What a statement's end is looked for outside of: comments, strings, quoted names, `$$` bodies. */
const SKIPPED = /--[^\n]*|'(?:[^']|'')*'|"[^"]*"|\$\$[\s\S]*?\$\$/y;

/**
 * The statements of a migration, without the semicolons between them. Comments stay with the statement
 * that follows; what is nothing but comments is none. Of dollar quotes only `$$` is known.
 */
export function splitStatements(text: string): readonly string[] {
  const statements: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; ) {
    SKIPPED.lastIndex = at;
    const skipped = SKIPPED.exec(text);
    if (skipped !== null) {
      at += skipped[0].length;
      continue;
    }
    if (text[at] === ';') {
      statements.push(text.slice(from, at));
      from = at + 1;
    }
    at += 1;
  }
  statements.push(text.slice(from));
  return statements
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/--[^\n]*/g, '').trim() !== '');
}
