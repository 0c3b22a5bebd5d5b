import { WorkError } from '../domain/failure.ts';
import { isTraversal, leadsElsewhere } from './path-readings.ts';

/** Longest key, bytes of UTF-8: what S3 takes; Azure and local disks take as much. */
const MOST_KEY_BYTES = 1024;

/** Longest part of a key, bytes: what local file systems take. */
const MOST_PART_BYTES = 255;

const bytes = (text: string): number => Buffer.byteLength(text);

const refuse = (field: string, why: string): WorkError =>
  new WorkError('InvalidInput', `${field} ${why}`);

/** Controls, line and paragraph separators, and halves of surrogate pairs, which no UTF-8 can hold. */
const UNREADABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/** What a path names. */
type Named = 'file' | 'folder';

/** Why a part of a path cannot be a file's or folder's name, or undefined where it can. */
function faultOf(part: string, named: Named): string | undefined {
  if (UNREADABLE.test(part)) return 'has a control character, or one that is no text';
  if (isTraversal(part)) return `has a part "." or ".."; name the ${named} itself`;
  if (part.includes('\\')) return 'has a backslash; parts are separated by "/"';
  if (/^[A-Za-z]:/.test(part)) return 'has a drive letter; paths are relative to the root';
  if (leadsElsewhere(part)) {
    return 'has an encoded or look-alike dot, slash, backslash or control character';
  }
  if (/^\s|[\s.]$/u.test(part)) {
    return 'has a part that begins with a space or ends with a space or dot';
  }
  if (part.startsWith('.te-'))
    return 'has a part that begins with ".te-", which the engine keeps for itself';
  if (bytes(part) > MOST_PART_BYTES) return `has a part of more than ${MOST_PART_BYTES} bytes`;
  return undefined;
}

/**
 * A folder as a client wrote it → its one canonical key below the tenant's root: parts joined by `/`,
 * Unicode NFC, no slash at the end. Throws a WorkError `InvalidInput` naming `field` for whatever
 * would lead elsewhere or mean the root itself.
 */
export const parseFolder = (value: string, field: string): string =>
  parsePath(value, field, 'folder');

function parsePath(value: string, field: string, named: Named): string {
  const text = value.normalize('NFC');
  if (text === '') throw refuse(field, `is empty; name a ${named} below the root`);
  if (text.startsWith('/')) throw refuse(field, 'is absolute; paths are relative to the root');
  if (bytes(text) > MOST_KEY_BYTES) throw refuse(field, `has more than ${MOST_KEY_BYTES} bytes`);
  const parts = text.replace(/\/$/, '').split('/');
  for (const part of parts) {
    if (part === '') throw refuse(field, 'has an empty part ("//")');
    const fault = faultOf(part, named);
    if (fault !== undefined) throw refuse(field, fault);
  }
  return parts.join('/');
}

/**
 * A file with its folders as a client wrote it → its one canonical key below the tenant's root. Throws as
 * {@link parseFolder} does, and for what names a folder.
 */
export function parseFilePath(value: string, field: string): string {
  if (value.endsWith('/')) throw refuse(field, 'ends with "/"; name a file, not a folder');
  return parsePath(value, field, 'file');
}

/** A file's name as a client wrote it, without folders. Throws as {@link parseFolder} does. */
export function parseFileName(value: string, field: string): string {
  const text = value.normalize('NFC');
  if (text === '') throw refuse(field, 'is empty; give a file name');
  if (text.includes('/')) throw refuse(field, 'has a "/"; give a file name without folders');
  const fault = faultOf(text, 'file');
  if (fault !== undefined) throw refuse(field, fault);
  return text;
}

/** Bytes that names made of a content id add to it, `-1234567-audio-es-2.m3u8`. */
const MOST_ASSET_BYTES = 160;

/**
 * A content id as the stem of an asset's file names. Throws a WorkError `InvalidInput` naming
 * `content_id` where no file can bear it.
 */
export function assetName(contentId: string): string {
  const name = parseFileName(contentId, 'content_id');
  if (name.startsWith('.'))
    throw refuse('content_id', 'begins with a dot; files of that name are hidden');
  if (bytes(name) > MOST_ASSET_BYTES) {
    throw refuse(
      'content_id',
      `has more than ${MOST_ASSET_BYTES} bytes; file names are made of it`,
    );
  }
  return name;
}

/**
 * Key of a file in a folder; both are canonical already. Throws a WorkError `InvalidInput` where the
 * two together are longer than a storage takes.
 */
export function joinKey(folder: string, name: string): string {
  const key = folder === '' ? name : `${folder}/${name}`;
  if (bytes(key) > MOST_KEY_BYTES) {
    throw new WorkError(
      'InvalidInput',
      `The path ${key.slice(0, 60)}… has more than ${MOST_KEY_BYTES} bytes; choose a shorter folder or file name`,
    );
  }
  return key;
}

/** The folder that holds a key; `''` for the root. */
export const folderOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf('/')));

/** The last part of a key. */
export const fileNameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
