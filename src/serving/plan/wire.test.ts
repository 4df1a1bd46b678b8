import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type Shot, Wire } from './wire.js';

const shot: Shot = { path: '/x', headers: { 'x-own': 'yes' }, body: 'hello' };

/** A server that does the same with every request, and what it heard. */
async function listening(answer: (socket: Socket) => void) {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard.push(chunk.toString());
      answer(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const wire = new Wire(new URL(`http://127.0.0.1:${port}`), 1);
  const stop = () => {
    wire.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { wire, heard, sockets, stop };
}

test('reads answers that come in pieces, and keeps their bytes where asked', async () => {
  const pieces = ['HTTP/1.1 201 Created\r\nContent-', 'Length: 6\r\n\r\nab', 'cd', 'ef'];
  const { wire, heard, sockets, stop } = await listening((socket) => {
    socket.setNoDelay(true);
    pieces.forEach((piece, i) => {
      setTimeout(() => socket.write(piece), 5 * i);
    });
  });
  expect(await wire.send(shot)).toEqual({ status: 201, bytes: 6, body: undefined });
  expect((await wire.send(shot, true)).body!.toString()).toBe('abcdef');
  expect(heard[0]).toMatch(
    /^POST \/x HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n.*x-own: yes\r\ncontent-length: 5\r\n\r\nhello$/s,
  );
  expect(sockets.size).toBe(1);
  stop();
});

test.each([
  ['a connection that breaks', (socket: Socket) => socket.destroy()],
  ['an answer that does not say its length', (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n')],
])('%s is no answer, and the next request has a connection of its own', async (_, answer) => {
  const { wire, sockets, stop } = await listening(answer);
  for (let i = 1; i <= 2; i++) {
    expect(await wire.send(shot)).toEqual({ status: 0, bytes: 0, body: undefined });
    expect(sockets.size).toBe(i);
  }
  stop();
});

test('a server that closes after its answer is asked over another connection', async () => {
  const { wire, sockets, stop } = await listening((socket) => {
    socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  for (let i = 0; i < 2; i++) expect((await wire.send(shot, true)).status).toBe(200);
  expect(sockets.size).toBe(2);
  stop();
});
