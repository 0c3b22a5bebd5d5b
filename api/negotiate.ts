/** A range of an `Accept` header: `text/html;level=1;q=0.5`. */
interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((one) => /^q\s*=/.test(one))?.replace(/^q\s*=\s*/, '');
  if (weight === undefined) return { type, quality: 1 };
  // what is no weight makes the range one that is not wanted
  return {
    type,
    quality: /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0,
  };
}

/** The weight that the most exact range gives a media type (RFC 9110 §12.5.1). */
function qualityOf(ranges: readonly MediaRange[], type: string): number {
  const [group] = type.split('/');
  for (const pattern of [type, `${group}/*`, '*/*']) {
    const found = ranges.filter((range) => range.type === pattern);
    if (found.length > 0) return Math.max(...found.map((range) => range.quality));
  }
  return 0;
}

/**
 * Whether an `Accept` header asks for a page rather than for JSON. JSON is what everybody gets who does
 * not prefer a page: no header, any type, both alike, or neither.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').map(parseRange);
  return qualityOf(ranges, 'text/html') > qualityOf(ranges, 'application/json');
}
