/** Something is missing and cannot be got here; the message says what to do. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
