import { deflateRawSync } from 'node:zlib';

/** A small ZIP archive (checksums left at zero, which `unzip` does not read). */
export function zipOf(files: Record<string, string>, deflated: boolean): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text, 'latin1');
    const packed = deflated ? deflateRawSync(content) : content;
    const sizes = Buffer.alloc(18);
    sizes.writeUInt16LE(deflated ? 8 : 0, 0);
    sizes.writeUInt32LE(packed.length, 10);
    sizes.writeUInt32LE(content.length, 14);
    const names = Buffer.alloc(4);
    names.writeUInt16LE(Buffer.byteLength(name), 0);
    const local = Buffer.concat([
      Buffer.from('PK\u0003\u0004\u0014\u0000\u0000\u0000', 'latin1'),
      sizes,
      names,
      Buffer.from(name),
    ]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(
      Buffer.concat([
        Buffer.from('PK\u0001\u0002\u0014\u0000\u0014\u0000\u0000\u0000', 'latin1'),
        sizes,
        names,
        tail,
        Buffer.from(name),
      ]),
    );
    bodies.push(local, packed);
    at += local.length + packed.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, entries, end]);
}
