import { describe, expect, it } from 'vitest';
import { fieldsOf, parseDatasetConfig } from './config.js';

const GOOD = `name: shop
tables:
  events: {path: events.csv}
user: user
item: {column: product, type: text}
time: {column: at, unit: iso}
feedback: [bought, {name: liked, column: rating, atLeast: 4}]
label: bought
fields:
  user: {user: id}
  item:
    product: id
    tags: {kind: multi-categorical, separator: "|"}
  context: {hour: hour-of-day}
histories:
  bought: {positive: bought, features: [product]}
split: {trainUntil: 2022-05-06T00:00:00+08:00, validationUntil: 2022-05-07}
`;

function messageOf(text: string): string {
  try {
    parseDatasetConfig(text, 'shop.yaml');
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('parseDatasetConfig', () => {
  it.each([
    ['{kind: numeric, buckets: 4, standardise: true}', 'cut into buckets or standardised, not both'],
    ['{kind: numeric, log: true}', 'log is taken before standardising'],
  ])('refuses options that do not go together: %s', (settings, why) => {
    const message = messageOf(GOOD.replace('product: id', `product: id\n    price: ${settings}`));
    expect(message).toContain(why);
    expect(message).toContain('fields.item.price');
  });

  it('fills in defaults and settles where the data lies', () => {
    const config = parseDatasetConfig(GOOD, '/data/shop/shop.yaml');
    expect(config.root).toBe('/data/shop');
    expect(config.time).toEqual({ column: 'at', unit: 'iso', utcOffset: 0, order: 'any' });
    expect(config.histories.bought).toMatchObject({ maxLength: 50 });
    expect(fieldsOf(config).map(({ name, owner, kind, column }) => [name, owner, kind, column])).toEqual([
      ['user', 'user', 'id', 'user'],
      ['product', 'item', 'id', 'product'],
      ['tags', 'item', 'multi-categorical', 'tags'],
      ['hour', 'context', 'hour-of-day', 'at'],
    ]);
    expect(fieldsOf(config)[2]!.options).toEqual({ separator: '|', minCount: 1 });
  });

  it.each([
    ['time: {column: at', 'time: {colum: at', /^shop\.yaml:6: time\.column: /m],
    ['label: bought', 'label: bougt', 'shop.yaml:8: label: there is no feedback "bougt", did you mean "bought"?'],
    [
      'product: id',
      'product: idd',
      'shop.yaml:12: fields.item.product: there is no field kind "idd", did you mean "id"?',
    ],
    [
      'separator: "|"',
      'seperator: "|"',
      'shop.yaml:13: fields.item.tags.seperator: unknown key "seperator", did you mean "separator"?',
    ],
    ['kind: multi-categorical', 'kind: multi', 'shop.yaml:13: fields.item.tags.kind: there is no field kind "multi"'],
    ['features: [product]', 'features: [produkt]', 'there is no item field "produkt", did you mean "product"?'],
    [
      '    product: id\n',
      '    product: id\n    logq: numeric\n',
      'shop.yaml:13: fields.item.logq: "logq" is the name of',
    ],
    [
      'features: [product]',
      'features: [product, lag]',
      'shop.yaml:16: histories.bought.features.1: there is no item field "lag"',
    ],
    [
      /product: id\n([\s\S]*)features: \[product\]/,
      'lag: id\n$1features: [lag]',
      'shop.yaml:16: histories.bought.features.0: "lag" is the name of what every history tells besides',
    ],
    ['trainUntil: 2022-05-06T00:00:00+08:00', 'trainUntil: yesterday', 'a time is ISO 8601'],
    [
      'split: {trainUntil: 2022-05-06T00:00:00+08:00, validationUntil: 2022-05-07}',
      'split: {train: 0.8, validation: 0.2}',
      'leave nothing for the test',
    ],
    ['label: bought', 'label: bought\nlabels: 1', 'shop.yaml:9: labels: unknown key "labels", did you mean "label"?'],
  ])('refuses %s → %s', (from, to, expected) => {
    const message = messageOf(GOOD.replace(from, to));
    if (typeof expected === 'string') expect(message).toContain(expected);
    else expect(message).toMatch(expected);
  });
});
