import { inflateRawSync } from 'node:zlib';
import { TwoTowerError } from '../errors.js';

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;

/**
 * The files of a ZIP archive in memory: stored or deflated, without encryption or the 64-bit extension (PKWARE APPNOTE 6.3).
 *
 * @throws DATA_DOWNLOAD when it is something else
 */
export function unzip(archive: Buffer): Map<string, Buffer> {
  let end = archive.length - 22;
  while (end >= 0 && archive.readUInt32LE(end) !== END) end--;
  if (end < 0) throw damaged('it has no end record');
  const files = new Map<string, Buffer>();
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== ENTRY) throw damaged('its directory is broken');
    const method = archive.readUInt16LE(at + 10);
    const packed = archive.readUInt32LE(at + 20);
    const size = archive.readUInt32LE(at + 24);
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    const local = archive.readUInt32LE(at + 42);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
    if (name.endsWith('/')) continue;
    if (local + 30 > archive.length || archive.readUInt32LE(local) !== LOCAL) throw damaged(`"${name}" is broken`);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const body = archive.subarray(start, start + packed);
    if (method !== 0 && method !== 8) throw damaged(`"${name}" is compressed in an unknown way (${method})`);
    const content = method === 0 ? body : inflate(body, size, name);
    if (content.length !== size) throw damaged(`"${name}" is truncated`);
    files.set(name, content);
  }
  return files;
}

function inflate(body: Buffer, size: number, name: string): Buffer {
  try {
    return inflateRawSync(body, { maxOutputLength: Math.max(1, size) });
  } catch {
    throw damaged(`"${name}" is truncated, or longer than it says`);
  }
}

function damaged(why: string): TwoTowerError {
  return new TwoTowerError('DATA_DOWNLOAD', `the archive is not a usable ZIP file: ${why}`, 'Download it again.');
}
