/** A box with its header (ISO/IEC 14496-12 §4.2). */
export interface Box {
  readonly type: string;
  readonly bytes: Buffer;
}

const HEADER_BYTES = 8;

/** The boxes inside a box that is nothing but a container. Stops at the first one that overruns it. */
export function childBoxes(parent: Buffer): readonly Box[] {
  const boxes: Box[] = [];
  for (let at = HEADER_BYTES; at + HEADER_BYTES <= parent.length; ) {
    const sizeBytes = parent.readUInt32BE(at);
    if (sizeBytes < HEADER_BYTES || at + sizeBytes > parent.length) break;
    const bytes = parent.subarray(at, at + sizeBytes);
    boxes.push({ type: bytes.toString('latin1', 4, 8), bytes });
    at += sizeBytes;
  }
  return boxes;
}

/** The box at a path below `parent`, the first one of each type; undefined where there is none. */
export function findBox(parent: Buffer, ...path: readonly string[]): Buffer | undefined {
  return path.reduce<Buffer | undefined>(
    (box, type) => box && childBoxes(box).find((child) => child.type === type)?.bytes,
    parent,
  );
}
