import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// The least that any server of JSON does: reads a body, parses it, and writes one of the size and shape of a ranking.
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { candidates } = JSON.parse(Buffer.concat(chunks).toString()) as { candidates: number[] };
    const scores = candidates.map((_, i) => Math.round(1e6 * Math.sin(i)) / 1e6);
    const body = JSON.stringify({ version: 'peer', items: candidates, scores });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
});
