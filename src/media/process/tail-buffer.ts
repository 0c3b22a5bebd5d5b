/** Keeps the last bytes of a stream, so that a tool that writes for ever fills no memory. */
export class TailBuffer {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Adds bytes and forgets the oldest ones over the limit. */
  append(chunk: Buffer): void {
    if (this.#limitBytes === 0) return;
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    while (
      this.#chunks[0] !== undefined &&
      this.#sizeBytes - this.#chunks[0].length >= this.#limitBytes
    ) {
      this.#sizeBytes -= this.#chunks[0].length;
      this.#chunks.shift();
    }
  }

  toString(): string {
    const all = Buffer.concat(this.#chunks);
    return all.subarray(Math.max(0, all.length - this.#limitBytes)).toString('utf8');
  }
}
