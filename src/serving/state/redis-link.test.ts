import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { wasNotSent } from './redis-errors.js';
import { openLink } from './redis-link.js';
import { parseRedisUrl } from './redis-url.js';
import { clickOf, knowledge, replica } from './testing/fleet.js';
import { eventually, noRedis, RedisServer, STATE_SERVERS, startCluster } from './testing/redis-server.js';

let redis: RedisServer;

async function refusal(address: string): Promise<{ code: string; message: string }> {
  try {
    (await openLink(parseRedisUrl(address), 'tag')).close();
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('it was opened');
}

describe.skipIf(noRedis).each(STATE_SERVERS)('a connection to %s', (program) => {
  beforeAll(async () => {
    redis = await RedisServer.startAs(program, '--requirepass', 'geheim');
  });
  afterAll(() => redis.remove());

  test('what is wrong with an address is one message, without the password', async () => {
    const at = `127.0.0.1:${redis.port}`;
    const other = createServer((_, response) => response.end('no')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const http = (other.address() as { port: number }).port;
    for (const [address, message] of [
      [`redis://${at}`, `redis://${at}/0: it wants a password`],
      [`redis://:verkehrt@${at}`, `redis://${at}/0: it refuses the user or the password`],
      [`redis://someone:geheim@${at}`, `redis://${at}/0: it refuses the user or the password`],
      [`redis://:geheim@${at}/99`, `redis://${at}/99: it has no database 99`],
      [`redis://:geheim@${at},127.0.0.1:1`, 'several addresses are for the nodes of a cluster, and it is none'],
      ['redis://:geheim@127.0.0.1:1', 'redis://127.0.0.1:1/0: nothing listens there'],
      ['redis://:geheim@nowhere.invalid', 'redis://nowhere.invalid:6379/0: the host is not known'],
      [`redis://:geheim@127.0.0.1:${http}`, 'no Redis or Valkey answers there'],
      [`rediss://:geheim@127.0.0.1:${http}`, 'begins with redis://'],
    ]) {
      const error = await refusal(address!);
      expect(error.message).toContain(message);
      expect(error.code).toBe('SERVING_STATE');
      expect(error.message).not.toMatch(/geheim|verkehrt/);
    }
  });

  test('a script that the server has forgotten is sent again', async () => {
    const link = await openLink(parseRedisUrl(`redis://:geheim@127.0.0.1:${redis.port}/2`), 'tag');
    onTestFinished(() => link.close());
    const code = 'return {KEYS[1], ARGV[1]}';
    const script = { code, sha: createHash('sha1').update(code).digest('hex') };
    expect(await link.run(script, ['k'], ['a'])).toEqual(['k', 'a']);
    expect(await link.send(['SCRIPT', 'EXISTS', script.sha])).toEqual([1]);
    await link.send(['SCRIPT', 'FLUSH']);
    expect(await link.run(script, ['k'], ['b'])).toEqual(['k', 'b']);
    link.close();
    await expect(link.send(['PING'])).rejects.toSatisfy(wasNotSent);
  });

  test('the nodes of a cluster are found from one of them, and servers share its state', async () => {
    const nodes = await startCluster(3, program);
    onTestFinished(async () => {
      for (const node of nodes) await node.remove();
    });
    // The keys lie on the second of three nodes.
    const { url } = nodes[0]!;
    await expect(replica(`${url}/1`)).rejects.toThrow('a cluster has database 0 only');
    const [a, b] = [await replica(url), await replica(`redis://127.0.0.1:1,127.0.0.1:${nodes[2]!.port}`)];
    expect(await a.state.putItems([{ key: 'x', values: { n: 1 } }])).toEqual({ applied: 1, ignored: 0 });
    await eventually(() => b.host.items.has('x'), 1_000);
    await b.state.putUsers([{ key: 'u', values: {} }]);
    await b.state.addEvents([clickOf('u', 'x', 1)]);
    const late = await replica(url);
    expect(knowledge(late.host)).toEqual(knowledge(b.host));
    await nodes[1]!.stop();
    await eventually(() => a.state.status().stale?.reason === 'unreachable');
    await expect(a.state.deleteItems(['x'])).rejects.toMatchObject({ code: 'SERVING_STATE' });
    await nodes[1]!.start();
    await eventually(() => a.state.status().stale === undefined);
    expect(await a.state.deleteItems(['x'])).toEqual({ applied: 1, ignored: 0 });
    await eventually(() => !b.host.items.has('x'), 1_000);
  });
});
