import { type FileHandle, open } from 'node:fs/promises';
import { damagedIndex } from './manifest.js';

/** What the rest of an index says about its graph. */
export interface ExpectedGraph {
  /** Values of one vector in the graph. */
  width: number;
  connectivity: number;
  /** [rows], 1 = present: exactly these are nodes with a key. */
  present: Uint8Array;
  count: number;
}

const BLOCK_BYTES = 4 << 20;
const HEAD_BYTES = 64;
const GRAPH_HEAD_BYTES = 40;
/** Key and level of a node. */
const NODE_HEAD_BYTES = 10;
const FREE_KEY = 0xffffffffffffffffn;
/** Codes of the file format: inner product, bfloat16, 64-bit keys, 32-bit node numbers. */
const METRIC_IP = 0x69;
const SCALAR_BF16 = 4;
const KEY_U64 = 14;
const SLOT_U32 = 15;

/**
 * Reads a graph file the way the library will, without it: the library follows the numbers it finds in the file wherever they
 * lead, so a number that leads outside of the graph must be found before. The layout is that of usearch 2.x: vectors (two
 * 32-bit sizes, then the rows), a head of 64 bytes, a head of the graph of 40 bytes, a level for each node (16 bits), and
 * the nodes: key, level, and for each level a number of neighbours and as many places as the connectivity allows.
 *
 * @throws TwoTowerError INDEX_DAMAGED on the first thing that is not as it must be
 */
export async function checkGraphFile(path: string, expected: ExpectedGraph): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    await check(path, reader(file, size, path), size, expected);
  } finally {
    await file.close();
  }
}

type Read = (position: number, length: number) => Promise<DataView>;

async function check(path: string, read: Read, size: number, expected: ExpectedGraph): Promise<void> {
  const { width, connectivity, present, count } = expected;
  const demand = (holds: boolean, reason: string) => {
    if (!holds) throw damagedIndex(path, reason);
  };
  const matrix = await read(0, 8);
  const nodes = matrix.getUint32(0, true);
  const vectorBytes = matrix.getUint32(4, true);
  demand(vectorBytes === 2 * width, `its vectors take ${vectorBytes} bytes, ${width} values take ${2 * width}`);
  const headStart = 8 + nodes * vectorBytes;

  const head = await read(headStart, HEAD_BYTES);
  const magic = String.fromCharCode(...new Uint8Array(head.buffer, head.byteOffset, 7));
  demand(magic === 'usearch' && head.getUint16(7, true) === 2, 'it is no graph of usearch 2');
  const codes = [head.getUint8(13), head.getUint8(14), head.getUint8(15), head.getUint8(16)];
  const wanted = [METRIC_IP, SCALAR_BF16, KEY_U64, SLOT_U32];
  demand(codes.join() === wanted.join(), `its types are [${codes}], wanted are [${wanted}]`);
  const [alive, deleted, dimensions] = [17, 25, 33].map((at) => head.getBigUint64(at, true));
  demand(alive === BigInt(count), `it holds ${alive} rows, the manifest says ${count}`);
  demand(deleted === BigInt(nodes - count), `it has ${nodes} nodes and says that ${deleted} of them are free`);
  demand(
    dimensions === BigInt(width) && head.getUint8(41) === 0,
    `its vectors have ${dimensions} values, wanted are ${width}`,
  );

  const graphStart = headStart + HEAD_BYTES;
  const graph = await read(graphStart, GRAPH_HEAD_BYTES);
  const [members, links, baseLinks, top, entry] = [0, 8, 16, 24, 32].map((at) => graph.getBigUint64(at, true)) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  demand(members === BigInt(nodes), `it has ${nodes} vectors and ${members} nodes`);
  const levelsStart = graphStart + GRAPH_HEAD_BYTES;
  if (nodes === 0) return demand(size === levelsStart, `it has ${size - levelsStart} bytes too many`);
  demand(
    links === BigInt(connectivity) && baseLinks === 2n * links,
    `its nodes have ${links} and ${baseLinks} links, wanted are ${connectivity} and ${2 * connectivity}`,
  );

  const levelView = await read(levelsStart, 2 * nodes);
  const levels = Int16Array.from({ length: nodes }, (_, node) => levelView.getInt16(2 * node, true));
  const highest = levels.reduce((most, level) => Math.max(most, level), 0);
  demand(
    levels.every((level) => level >= 0),
    'a node has a negative level',
  );
  demand(entry < members && top === BigInt(highest), `its search begins at node ${entry} on level ${top}`);
  demand(levels[Number(entry)] === highest, `its search begins at node ${entry}, which is not on the highest level`);
  const nodeBytes = (level: number) => NODE_HEAD_BYTES + 4 + 8 * connectivity + level * (4 + 4 * connectivity);
  const nodesStart = levelsStart + 2 * nodes;
  const end = levels.reduce((position, level) => position + nodeBytes(level), nodesStart);
  demand(end === size, `its nodes end at byte ${end}, the file has ${size}`);

  const seen = new Uint8Array(present.length);
  for (let node = 0, position = nodesStart; node < nodes; ) {
    const first = node;
    let length = 0;
    while (node < nodes && length < BLOCK_BYTES) length += nodeBytes(levels[node++]!);
    const view = await read(position, length);
    for (let at = 0, one = first; one < node; one++) {
      const key = view.getBigUint64(at, true);
      if (key !== FREE_KEY) {
        const row = Number(key);
        demand(
          present[row] === 1 && seen[row] === 0,
          `node ${one} stands for row ${key}, which is absent or there twice`,
        );
        seen[row] = 1;
      }
      demand(view.getInt16(at + 8, true) === levels[one], `node ${one} is on two levels`);
      at += NODE_HEAD_BYTES;
      for (let level = 0; level <= levels[one]!; level++) {
        const places = level === 0 ? 2 * connectivity : connectivity;
        const neighbours = view.getUint32(at, true);
        demand(neighbours <= places, `node ${one} has ${neighbours} neighbours in ${places} places`);
        for (let i = 1; i <= neighbours; i++) {
          const neighbour = view.getUint32(at + 4 * i, true);
          // A neighbour below this level has no list of neighbours here: the library would read what lies behind it.
          if (neighbour >= nodes || levels[neighbour]! < level) {
            throw damagedIndex(
              path,
              `node ${one} has the neighbour ${neighbour} on level ${level}, where there is none`,
            );
          }
        }
        at += 4 + 4 * places;
      }
    }
    position += length;
  }
  demand(seen.reduce((sum, one) => sum + one, 0) === count, 'rows of the index have no node');
}

function reader(file: FileHandle, size: number, path: string): Read {
  return async (position, length) => {
    if (position + length > size)
      throw damagedIndex(path, `it has ${size} bytes, its header asks for ${position + length}`);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(bytes, done, Math.min(BLOCK_BYTES, length - done), position + done);
      if (bytesRead === 0) throw damagedIndex(path, 'it ends too early');
      done += bytesRead;
    }
    return new DataView(bytes.buffer);
  };
}
