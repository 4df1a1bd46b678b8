import { expect, test } from 'vitest';
import { FakeHost } from '../serving/http/testing/fake-host.js';
import { startService } from '../serving/http/testing/start.js';
import { ServerError, TwoTowerClient } from './client.js';

test('every call does what its name says', async () => {
  const { url, writeKey: key } = await startService();
  const client = new TwoTowerClient({ url, key });
  expect((await client.recommend({ user: 1, k: 2 })).items.map(({ item }) => item)).toEqual(['1', '2']);
  expect((await client.rank({ candidates: ['2', '5'] })).items).toEqual(['5', '2']);
  const { order, scores, version } = await client.rankArray(Int32Array.of(2, 5), { user: 1 });
  expect([[...order], [...scores], version]).toEqual([[1, 0], [Math.fround(5 / 3), Math.fround(2 / 3)], 'v1']);
  expect(await client.putItems([{ key: 'a/b ?', values: { title: 'x' } }])).toEqual({ applied: 1, ignored: 0 });
  expect(await client.item('a/b ?')).toEqual({ key: 'a/b ?', values: { title: 'x' } });
  expect(await client.putUsers([{ key: 9, values: { age: 3 } }])).toEqual({ applied: 1, ignored: 0 });
  expect(await client.addEvents([{ user: 9, item: 1, time: 5, feedback: { click: 1 } }])).toMatchObject({ applied: 1 });
  expect((await client.user(9))?.histories).toEqual({ clicks: [{ item: '1', time: 5 }] });
  expect(await client.deleteItems(['a/b ?'])).toEqual({ applied: 1, ignored: 0 });
  expect(await client.item('a/b ?')).toBeUndefined();
  expect(await client.deleteUsers([9])).toEqual({ applied: 1, ignored: 0 });
  expect(await client.user(9)).toBeUndefined();
});

test('a refusal says what was wrong and where', async () => {
  const { url } = await startService();
  const client = new TwoTowerClient({ url });
  const error = await client.rank({ candidates: [1.5] }).catch((thrown: ServerError) => thrown);
  expect(error).toBeInstanceOf(ServerError);
  expect(error).toMatchObject({ status: 400, code: 'BODY_INVALID', path: 'candidates[0]' });
  await expect(client.putItems([{ key: 1, values: {} }])).rejects.toMatchObject({ status: 401, code: 'KEY_MISSING' });
});

test('a server that is too busy is asked again, and not for ever', async () => {
  const { url } = await startService({ host: new FakeHost() });
  const answers: number[] = [];
  const busy =
    (times: number, code = 'OVERLOADED'): typeof fetch =>
    (input, init) => {
      answers.push(0);
      if (answers.length > times) return fetch(input, init);
      const body = JSON.stringify({ error: { code, message: 'too much' } });
      return Promise.resolve(new Response(body, { status: 503, headers: { 'retry-after': '0.01' } }));
    };
  expect((await new TwoTowerClient({ url, fetch: busy(2) }).recommend({ k: 1 })).items).toHaveLength(1);
  expect(answers).toHaveLength(3);
  answers.length = 0;
  await expect(new TwoTowerClient({ url, fetch: busy(9) }).recommend({})).rejects.toMatchObject({ code: 'OVERLOADED' });
  expect(answers).toHaveLength(3);
  answers.length = 0;
  // It may have been taken.
  const client = new TwoTowerClient({ url, fetch: busy(9, 'NOT_CONFIRMED') });
  await expect(client.putItems([{ key: 1, values: {} }])).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
  expect(answers).toHaveLength(1);
});

test('an address that is none, or not where it belongs, is refused at once', () => {
  expect(() => new TwoTowerClient({ url: 'localhost' })).toThrow('url: "localhost" is no address: give { url:');
  const text = 'http://127.0.0.1:8080' as unknown as { url: string };
  expect(() => new TwoTowerClient(text)).toThrow('url: "http://127.0.0.1:8080" is no address: give { url:');
});
