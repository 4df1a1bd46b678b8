import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { folderOf } from '../testing/folder.js';
import { download } from './download.js';
import { zipOf } from './testing/zip.js';

const ARCHIVE = zipOf({ 'ml/u.data': '1 2 3', '../evil': 'x', 'other/a': 'y' }, true);
const MD5 = createHash('md5').update(ARCHIVE).digest('hex');

let server: Server | undefined;

async function serve(answer: RequestListener): Promise<string> {
  const started = createServer(answer);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/ml.zip`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

describe('download', () => {
  it('unpacks the folder into the cache, once', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked++;
      response.setHeader('content-length', ARCHIVE.length);
      response.end(ARCHIVE);
    });
    const cache = join(folderOf({}), 'cache');
    const seen: number[] = [];
    const options = { url, md5: MD5, folder: 'ml', cache, onProgress: ({ done }: { done: number }) => seen.push(done) };
    const folder = await download(options);
    expect(readFileSync(join(folder, 'u.data'), 'utf8')).toBe('1 2 3');
    expect(seen.at(-1)).toBe(ARCHIVE.length);
    expect(await download(options)).toBe(folder);
    expect(asked).toBe(1);
    expect(readdirSync(cache)).toEqual([MD5]);
    expect(readdirSync(join(cache, MD5))).toEqual(['ml']);
    expect(existsSync(join(cache, '..', 'evil'))).toBe(false);
  });

  it('refuses another checksum and leaves nothing', async () => {
    const url = await serve((_, response) => response.end('something else'));
    const cache = join(folderOf({}), 'cache');
    await expect(download({ url, md5: MD5, folder: 'ml', cache })).rejects.toThrow(`where ${MD5} is expected`);
    expect(existsSync(cache)).toBe(false);
  });

  it('names the folder an archive lacks', async () => {
    const url = await serve((_, response) => response.end(ARCHIVE));
    const cache = folderOf({});
    await expect(download({ url, md5: MD5, folder: 'mll', cache })).rejects.toThrow('there is no folder "mll"');
    expect(readdirSync(cache)).toEqual([]);
  });

  it('names what the server said, and one that falls silent', async () => {
    const gone = await serve((_, response) => {
      response.statusCode = 404;
      response.end();
    });
    await expect(download({ url: gone, md5: MD5, folder: 'ml', cache: folderOf({}) })).rejects.toThrow(
      'the server answered 404',
    );
    server?.close();
    const silent = await serve((_, response) => response.write('PK'));
    const waiting = download({ url: silent, md5: MD5, folder: 'ml', cache: folderOf({}), timeout: 50 });
    await expect(waiting).rejects.toThrow(
      expect.objectContaining({ code: 'DATA_DOWNLOAD', message: expect.stringContaining('nothing came for 50 ms') }),
    );
  });
});
