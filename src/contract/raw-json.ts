import { type Node, parseTree } from 'jsonc-parser';

const STRICT = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false };

/** The value node of a key; of the last one where a key stands twice, as JSON.parse takes it. */
function valueOf(object: Node | undefined, key: string): Node | undefined {
  const property = object?.children?.findLast((child) => child.children?.[0]?.value === key);
  return property?.children?.[1];
}

const slice = (text: string, node: Node): string =>
  text.slice(node.offset, node.offset + node.length);

/** Raw text of the parts of a submission that come back byte for byte. */
export interface RawSubmission {
  /** Key → raw JSON text of its value, in the order of the keys. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Cuts a submission's parameters out of its text. A round trip through JSON.parse would change big
 * integers, `1.0`, key order and duplicate keys. `text` must be valid JSON.
 */
export function sliceSubmission(text: string): RawSubmission {
  const root = parseTree(text, [], STRICT);
  const parameters = valueOf(root, 'parameters');
  const slices = new Map<string, string>();
  for (const property of parameters?.type === 'object' ? (parameters.children ?? []) : []) {
    const [key, value] = property.children ?? [];
    if (key !== undefined && value !== undefined) {
      slices.set(String(key.value), slice(text, value));
    }
  }
  return { parameters: slices };
}

/** An object's text out of its members' raw texts. */
export function joinObject(members: Iterable<readonly [string, string]>): string {
  return `{${[...members].map(([key, raw]) => `${JSON.stringify(key)}:${raw}`).join(',')}}`;
}
