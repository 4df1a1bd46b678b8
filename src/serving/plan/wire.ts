import { connect, type Socket } from 'node:net';

/** One request, already written out. */
export interface Shot {
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

export interface Answered {
  /** 0 where the connection broke. */
  status: number;
  /** Bytes of the answer, its headers not counted. */
  bytes: number;
  /** Undefined unless asked for. */
  body: Buffer | undefined;
}

interface Waiting {
  bytes: Buffer;
  keep: boolean;
  resolve: (answer: Answered) => void;
}

const BROKEN: Answered = { status: 0, bytes: 0, body: undefined };

/**
 * A client of HTTP/1.1 that does next to nothing: requests are written out once, of an answer the status is read and the bytes are
 * counted. Whatever a client takes on the cores that it shares with the server is missing there, and `node:http` takes several times
 * this. An answer must say its length, as ours and those of `node:http` with a body in one piece do; else it is none.
 */
export class Wire {
  private readonly written = new WeakMap<Shot, Buffer>();
  private readonly idle: Connection[] = [];
  private readonly queue: Waiting[] = [];
  private open = 0;

  constructor(
    private readonly url: URL,
    private readonly connections: number,
  ) {}

  /**
   * Sends a request over the next free connection; resolves once its answer is there to the end.
   *
   * @param keep whether the bytes of the answer are kept; else they are not looked at
   */
  send(shot: Shot, keep = false): Promise<Answered> {
    return new Promise((resolve) => {
      this.queue.push({ bytes: this.bytesOf(shot), keep, resolve });
      this.next();
    });
  }

  /** Closes the connections, none of which may be busy. */
  close(): void {
    for (const connection of this.idle.splice(0)) connection.close();
  }

  private next(): void {
    if (this.queue.length === 0) return;
    const connection = this.idle.pop() ?? this.another();
    if (connection !== undefined) connection.send(this.queue.shift()!);
  }

  private another(): Connection | undefined {
    if (this.open === this.connections) return undefined;
    this.open++;
    const free = (own: Connection) => {
      this.idle.push(own);
      this.next();
    };
    const ended = (own: Connection) => {
      this.open--;
      const at = this.idle.indexOf(own);
      if (at >= 0) this.idle.splice(at, 1);
      this.next();
    };
    return new Connection(this.url, free, ended);
  }

  private bytesOf(shot: Shot): Buffer {
    const known = this.written.get(shot);
    if (known !== undefined) return known;
    const { path, headers, body } = shot;
    const fields = {
      host: this.url.host,
      connection: 'keep-alive',
      ...headers,
      'content-length': Buffer.byteLength(body),
    };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const bytes = Buffer.concat([
      Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'),
      typeof body === 'string' ? Buffer.from(body) : body,
    ]);
    this.written.set(shot, bytes);
    return bytes;
  }
}

const END_OF_HEAD = '\r\n\r\n';

/** One connection with at most one request under way. */
class Connection {
  private readonly socket: Socket;
  private waiting: Waiting | undefined;
  /** What has come of a head that is not whole yet. */
  private head: Buffer | undefined;
  private status = 0;
  private length = 0;
  private left = 0;
  private readonly chunks: Buffer[] = [];
  private stays = true;

  constructor(
    url: URL,
    private readonly free: (own: Connection) => void,
    ended: (own: Connection) => void,
  ) {
    this.socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.socket.on('data', (chunk) => this.read(chunk));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      const { waiting } = this;
      this.waiting = undefined;
      ended(this);
      waiting?.resolve(BROKEN);
    });
  }

  send(waiting: Waiting): void {
    this.waiting = waiting;
    this.socket.write(waiting.bytes);
  }

  close(): void {
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    const rest = this.left > 0 ? chunk : this.begin(chunk);
    if (rest === undefined) return;
    this.left -= rest.length;
    if (this.waiting!.keep) this.chunks.push(rest);
    if (this.left > 0) return;
    const { resolve, keep } = this.waiting!;
    const body = keep ? Buffer.concat(this.chunks.splice(0)) : undefined;
    this.waiting = undefined;
    if (this.stays) this.free(this);
    else this.socket.end();
    resolve({ status: this.status, bytes: this.length, body });
  }

  /** Reads the head of an answer, and returns what has come of its body; undefined while the head is not whole. */
  private begin(chunk: Buffer): Buffer | undefined {
    const bytes = this.head === undefined ? chunk : Buffer.concat([this.head, chunk]);
    const end = bytes.indexOf(END_OF_HEAD);
    this.head = end < 0 ? bytes : undefined;
    if (end < 0) return undefined;
    const head = bytes.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length === null) {
      this.socket.destroy();
      return undefined;
    }
    this.status = Number(head.slice(9, 12));
    this.stays = !/\r\nconnection: *close/i.test(head);
    this.length = Number(length[1]);
    this.left = this.length;
    return bytes.subarray(end + END_OF_HEAD.length);
  }
}
