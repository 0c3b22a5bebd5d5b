// Tags of WebVTT cue text (W3C WebVTT §4.2.2); everything else that looks like a tag is text.
const TAG = /^\/?(?:b|i|u|c|v|lang|ruby|rt)(?:[.\s][^<>]*)?$/;
const TIMESTAMP = /^\d{2,}:\d{2}:\d{2}\.\d{3}$|^\d{2}:\d{2}\.\d{3}$/;
const ENTITY = /^&(?:amp|lt|gt|nbsp|lrm|rlm|#\d{1,7}|#x[\da-f]{1,6});/i;

/**
 * Makes text safe as WebVTT cue text: known tags stay, anything else between `<` and `>` is shown as
 * it was written, and the arrow that would start a new cue is broken up.
 */
export function cleanCueText(text: string): string {
  return text
    .replaceAll(/<([^<>]*)>|[<>&]/g, (match, inner: string | undefined, at: number) => {
      if (inner !== undefined) {
        return TAG.test(inner) || TIMESTAMP.test(inner)
          ? match
          : `&lt;${inner.replaceAll('&', '&amp;')}&gt;`;
      }
      if (match === '<') return '&lt;';
      if (match === '>') return '&gt;';
      return ENTITY.test(text.slice(at)) ? match : '&amp;';
    })
    .trim();
}
