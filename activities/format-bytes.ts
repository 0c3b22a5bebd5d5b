const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** `1 file`, `12 source files`. */
export const formatFiles = (count: number, what = 'file'): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;

/** A size for people, in powers of 1,000: `1.1 MB`. */
export function formatBytes(sizeBytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, sizeBytes)) / 3));
  const value = sizeBytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power] ?? ''}`;
}
