import { joinRanks } from '../join.js';
import { bytesOf, floatsOf, intsOf } from '../ranks.js';

// Does everything that ranks can do together; each prints what it has got as one line of JSON.
const ranks = await joinRanks();
const { rank, size } = ranks;

const sums = Float32Array.from({ length: 100_000 }, (_, i) => (rank + 1) * Math.fround(0.1 * i));
await ranks.sum(sums);
// The more the higher the rank, nothing from the first.
const own = Float32Array.from({ length: rank }, (_, i) => 10 * rank + i);
const lengths = Array.from({ length: size }, (_, r) => 4 * r);
const gathered = new Uint8Array(lengths.reduce((a, b) => a + b));
await ranks.gather(bytesOf(own), lengths, gathered);
const parts = Array.from({ length: size }, (_, r) => bytesOf(new Int32Array(r).fill(10 * rank + r)));
const swapped = (await ranks.swap(parts)).map((bytes) => [...intsOf(bytes)]);
const word = await ranks.broadcast(rank === 0 ? new TextEncoder().encode('go') : undefined);
const nothing = await ranks.broadcast(rank === 0 ? new Uint8Array() : undefined);
console.log(
  JSON.stringify({
    rank,
    size,
    sums: [sums[0], sums[1], sums.at(-1)],
    gathered: [...floatsOf(gathered)],
    swapped,
    word: new TextDecoder().decode(word),
    nothing: nothing.length,
  }),
);
await ranks.leave();
