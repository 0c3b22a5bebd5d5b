import { XMLParser } from 'fast-xml-parser';
import { WorkError } from '../../domain/failure.ts';

/** What the packager's own manifest says of one track. */
export interface PackagerRepresentation {
  /** Output file name, without folders. */
  readonly fileName: string;
  /** RFC 6381 codec string, `avc1.64001f`. */
  readonly codecs: string;
  /** Highest rate over a segment, bits per second. */
  readonly bandwidth: number;
  /** Sample aspect ratio, `1:1`. */
  readonly sar?: string;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  processEntities: true,
  isArray: (name) => ['Period', 'AdaptationSet', 'Representation'].includes(name),
});

type Node = Readonly<Record<string, unknown>>;

const nodes = (parent: Node, name: string): readonly Node[] => {
  const value = parent[name];
  return Array.isArray(value) ? (value as readonly Node[]) : [];
};

const text = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

/**
 * Reads codecs and bit rates out of the manifest that shaka-packager wrote (ISO/IEC 23009-1). Throws
 * a WorkError `ToolFailed` for anything else; a document type is refused unread.
 */
export function parsePackagerMpd(xml: string): readonly PackagerRepresentation[] {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) {
    throw new WorkError('ToolFailed', "The packager's manifest has a document type");
  }
  const { MPD: mpd } = parser.parse(xml) as { readonly MPD?: Node };
  const sets = nodes(mpd ?? {}, 'Period').flatMap((period) => nodes(period, 'AdaptationSet'));
  return sets.flatMap((set) =>
    nodes(set, 'Representation').map((one) => {
      const sar = text(one['sar'] ?? set['sar']);
      const codecs = text(one['codecs'] ?? set['codecs']);
      const fileName = decodeURIComponent(text(one['BaseURL']) ?? '')
        .split('/')
        .at(-1);
      if (codecs === undefined || fileName === undefined || fileName === '') {
        throw new WorkError(
          'ToolFailed',
          "The packager's manifest names a track without file or codec",
        );
      }
      return {
        fileName,
        codecs,
        bandwidth: Number(one['bandwidth']),
        ...(sar === undefined ? {} : { sar }),
      };
    }),
  );
}
