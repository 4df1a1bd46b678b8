import { Agent, request } from 'node:http';

/** One request, already written out. */
export interface Shot {
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

export interface Answered {
  /** 0 where the connection broke. */
  status: number;
  /** Undefined unless asked for. */
  body: Buffer | undefined;
  /** Bytes of the answer, its headers not counted. */
  bytes: number;
}

/** Sends a request and reads the answer to its end. @param keep whether the bytes are kept; else they are not looked at */
export function fire(agent: Agent, url: URL, { path, headers, body }: Shot, keep = false): Promise<Answered> {
  return new Promise((resolve) => {
    const broken = { status: 0, body: undefined, bytes: 0 };
    const sent = request(
      {
        agent,
        host: url.hostname,
        port: url.port,
        path,
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (keep) chunks.push(chunk);
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: keep ? Buffer.concat(chunks) : undefined, bytes }),
        );
        response.on('error', () => resolve(broken));
      },
    );
    sent.on('error', () => resolve(broken));
    sent.end(body);
  });
}

/** Connections that are kept for the next request. */
export function keepAlive(connections: number): Agent {
  return new Agent({ keepAlive: true, maxSockets: connections });
}
