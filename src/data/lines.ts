import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

/** The number, from 1, of the first line for which `bad` is true. Blank lines do not count as bad. */
export async function firstLine(file: string, bad: (line: Buffer) => boolean): Promise<number | undefined> {
  const bytes = createReadStream(file);
  const blocks = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  let number = 1;
  let rest = Buffer.alloc(0);
  try {
    for await (const block of blocks) {
      let from = 0;
      const text = Buffer.concat([rest, block as Buffer]);
      for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10, from)) {
        if (end > from && bad(text.subarray(from, end))) return number;
        number++;
        from = end + 1;
      }
      rest = text.subarray(from);
    }
  } finally {
    bytes.destroy();
  }
  return rest.length > 0 && bad(rest) ? number : undefined;
}

/** Whether the bytes are not UTF-8. */
export function notUtf8(line: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(line);
    return false;
  } catch {
    return true;
  }
}

/** Whether the bytes are not JSON. */
export function notJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString('utf8'));
    return false;
  } catch {
    return true;
  }
}
