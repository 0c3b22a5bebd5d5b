/** Rows in aligned columns under their headings; `none` where there are no rows. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): string {
  if (rows.length === 0) return none;
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A moment for people: UTC, to the minute; a dash where there is none. */
export const formatMoment = (moment: Date | null): string =>
  moment === null ? '-' : `${moment.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
