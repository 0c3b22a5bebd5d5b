/** A piece of XML that is escaped already. */
export interface XmlNode {
  readonly text: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const escape = (value: string): string => value.replaceAll(/[&<>"]/g, (one) => ESCAPES[one] ?? one);

/** An element; attributes without a value are left out, text is escaped, children are indented. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | boolean | undefined>>,
  content: string | readonly XmlNode[] = [],
): XmlNode {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escape(String(value))}"`)
    .join('');
  if (typeof content === 'string') return { text: `<${name}${list}>${escape(content)}</${name}>` };
  if (content.length === 0) return { text: `<${name}${list}/>` };
  const children = content.map((child) => child.text.replaceAll(/^/gm, '  ')).join('\n');
  return { text: `<${name}${list}>\n${children}\n</${name}>` };
}
