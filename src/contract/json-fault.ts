import { type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser';

const STRICT = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false };

/** Carries the first fault out of the scan. */
class Fault extends Error {
  override readonly name = 'Fault';
}

const toWords = (code: ParseErrorCode): string =>
  printParseErrorCode(code)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();

/**
 * Where and why a text is no JSON, as `line 1, column 8: value expected`. The engine's own message
 * names no place for some faults, and quotes the text.
 */
export function describeJsonFault(text: string): string {
  try {
    visit(
      text,
      {
        onError: (code, _offset, _length, line, column) => {
          throw new Fault(`line ${line + 1}, column ${column + 1}: ${toWords(code)}`);
        },
      },
      STRICT,
    );
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
  return 'it is not what RFC 8259 describes';
}
