import { expect, test } from 'vitest';
import { Build } from '../graph/index.js';
import { toyDataset } from '../testing/toy-dataset.js';
import { itemInputs, userInputs } from './inputs.js';
import { concatSide, groupsOf, itemSide, requireKnown, requireSides, stackEmbeddings, userSide } from './sides.js';

const { schema } = toyDataset();

test('groups have the names that the schema promises, embeddings apart from numbers', () => {
  new Build(false).run(() => {
    for (const history of [true, false]) {
      const user = userSide(userInputs(schema, 'B'), { width: 3 }, history);
      const item = itemSide(itemInputs(schema, 'I'), { width: 3 });
      const promised = groupsOf(schema, history);
      for (const [side, groups] of [
        [user, promised.user],
        [item, promised.item],
      ] as const) {
        const named = (numbers: boolean) =>
          groups.filter(({ feature }) => (feature.encoding === 'numbers') === numbers).map(({ name }) => name);
        expect(side.embeddings.map(({ name }) => name)).toEqual(named(false));
        expect(side.numbers.map(({ name }) => name)).toEqual(named(true));
      }
      expect(promised.user.some(({ name }) => name === 'history.clicks.genres')).toBe(history);
    }
  });
});

test('a side is laid out flat, or its embeddings one above the other', () => {
  new Build(false).run(() => {
    const item = itemSide(itemInputs(schema, 'I'), { width: 3 });
    // An id, a list of genres and a price of two numbers.
    expect(concatSide(item).shape).toEqual(['I', 3 + 3 + 2]);
    expect(stackEmbeddings(item).shape).toEqual(['I', 2, 3]);
  });
});

test('a side without anything is refused; a history alone is enough', () => {
  const bare = { ...schema, user: [], context: [] };
  expect(() => requireSides('m', bare)).not.toThrow();
  expect(() => requireSides('m', bare, false)).toThrow(
    'm: the data has no user field, context field or history for the user tower',
  );
  expect(() => requireSides('m', { ...schema, item: [] })).toThrow('m: the data has no item field for the item tower');
});

test('a name that is not known is refused with the nearest one', () => {
  expect(() => requireKnown('m', 'option', ['age'], ['age', 'city'])).not.toThrow();
  expect(() => requireKnown('m', 'option', ['cite'], ['age', 'city'])).toThrow(
    /m: option: there is no "cite"\n.*did you mean "city"/,
  );
});
