import { describe, expect, it } from 'vitest';
import { candidateStages, eventStages, stageLevels } from './levels.js';
import { loadDataset } from './load.js';
import { SHOP_FILES, shop } from './testing/shop.js';

const FUNNEL = `stages:
  names: [corpus, retrieved, ranked, seen, bought, praised]
  shown: seen
  column: stage
  feedback: {bought: bought, praised: liked}
feedback: [bought, {name: liked, column: price, atLeast: 8}]`;

/** The shop with a stage and a request for every event; three of the ten were never shown. */
const EVENTS = SHOP_FILES['events.csv']
  .trimEnd()
  .split('\n')
  .map((line, i) => {
    if (i === 0) return `${line},stage`;
    if (i === 2) return `${line.replace(',0,7,', ',,,')},retrieved`;
    if (i === 6) return `${line.replace(',0,3,', ',0,,')},ranked`;
    return i === 9 ? `3,e,90,,,home,ranked` : `${line},seen`;
  })
  .join('\n');
const funnel = (events = EVENTS, edit = (text: string) => text) =>
  shop({ 'events.csv': `${events}\n4,d,95,0,4,home,seen\n` }, (text) =>
    edit(text.replace('feedback: [bought]', FUNNEL)),
  );

describe('stages of events', () => {
  it('are shown and the positives of the label where nothing is said', async () => {
    const { events, stages, shown, unshown } = await loadDataset(shop());
    expect(stages).toEqual(['corpus', 'candidate', 'shown', 'bought']);
    expect(shown).toBe(2);
    expect([...events.stage]).toEqual(Array.from(events.feedback.get('bought')!, (value) => 2 + value));
    expect(unshown).toBeUndefined();
  });

  it('are those of a column, lifted by feedback', async () => {
    const dataset = await loadDataset(funnel());
    const { events, stages, shown, splits, unshown } = dataset;
    expect(candidateStages(dataset)).toEqual(['retrieved', 'ranked']);
    expect([stages[shown], events.count]).toEqual(['seen', 11]);
    // Times 10, 20 (retrieved), 25, 30 (price 8: praised), 50 (9), 60 (ranked), 70, 80, 90 (ranked), 95, 100.
    expect(Array.from(events.stage, (level) => stages[level])).toEqual(
      'bought retrieved bought praised praised ranked bought seen ranked seen seen'.split(' '),
    );
    expect([...events.feedback.get('bought')!]).toEqual([1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0]);
    const lists = (parts: typeof splits) => Object.values(parts).map((rows) => [...rows]);
    expect(lists(splits)).toEqual([[0, 2, 3, 4, 6], [7], [9, 10]]);
    expect(lists(unshown!)).toEqual([[1, 5], [], [8]]);
    // Histories hold what was bought and nothing else.
    expect(dataset.histories[0]!.item.length).toBe(5);
  });

  it.each([
    ['an unknown stage', ',retrieved', ',retreived', 'DATA_VALUE', '"retreived" is not a stage: corpus, retrieved'],
    ['no stage', ',retrieved', ',', 'DATA_VALUE', 'column "stage": "" is not a stage'],
    [
      'feedback on what nobody saw',
      '60,0,',
      '60,1,',
      'DATA_VALUE',
      '"1" is feedback ("bought") on what was never shown',
    ],
    [
      'missing feedback on what was shown',
      '70,1,3',
      '70,,3',
      'DATA_VALUE',
      'row 7 (line 8), column "bought": "" is empty',
    ],
  ])('refuses %s', async (_, from, to, code, says) => {
    await expect(loadDataset(funnel(EVENTS.replace(from, to)))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(says),
    });
  });

  it('refuses a part of which nothing was shown', async () => {
    const events = EVENTS.replace('2,b,80,0,2,boat,seen', '2,b,80,,,boat,ranked');
    await expect(loadDataset(funnel(events))).rejects.toMatchObject({
      code: 'DATA_SPLIT',
      message: expect.stringContaining('nothing in the validation part was shown'),
    });
  });

  it.each([
    ['shown: seen', 'shown: saw', 'there is no stage "saw"'],
    ['shown: seen', 'shown: corpus', 'the first stage is the corpus'],
    ['retrieved, ranked', 'ranked, ranked', 'the stage "ranked" is named twice'],
    ['praised: liked', 'praised: likes', 'there is no feedback "likes", did you mean "liked"?'],
    ['praised: liked', 'prised: liked', 'there is no stage "prised", did you mean "praised"?'],
    ['praised: liked', 'ranked: liked', '"ranked" is not above "seen"'],
    ['  column: stage\n  feedback: {bought: bought, praised: liked}', '  feedback: {bought: bought}', 'to "praised"'],
    ['{trainUntil: 80, validationUntil: 90}', '{newest: 1}', 'does not go with a stage column'],
  ])('refuses a description with %s → %s', (from, to, says) => {
    expect(() => funnel(EVENTS, (text) => text.replace(from, to))).toThrow(says);
  });

  it('go with no cut by the newest events that is asked for elsewhere either', async () => {
    const loading = loadDataset(funnel(), { split: { newest: 1 } });
    await expect(loading).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('data.split: a split by the newest events'),
    });
  });

  it('are lifted by the highest feedback, and only where something was shown', () => {
    const levels = stageLevels({
      label: 'a',
      stages: { names: ['c', 'd', 's', 'a', 'b'], shown: 's', column: 'x', feedback: { b: 'b', a: 'a' } },
    });
    const feedback = new Map([
      ['a', Float32Array.of(0, 1, 0, 1, 1)],
      ['b', Float32Array.of(0, 0, 2, 1, 1)],
    ]);
    expect([...eventStages(levels, feedback, 5, Int32Array.of(2, 2, 2, 2, 1))]).toEqual([2, 3, 4, 4, 1]);
  });
});

describe('score columns', () => {
  it('are read with the events, NaN where they are empty', async () => {
    const file = `user,product,at,bought,price,place\n1,a,30,1,,home\n1,b,20,0,-0.5,home\n2,a,80,1,2,bus\n3,b,90,0,1,bus\n`;
    const config = shop({ 'events.csv': file }, (text) => text.replace('label:', 'scores: [price]\nlabel:'));
    const { events } = await loadDataset(config);
    expect([...events.scores!.get('price')!]).toEqual([-0.5, Number.NaN, 2, 1]);
    const bad = (score: string) =>
      shop({ 'events.csv': file.replace('-0.5', score) }, (text) => text.replace('label:', 'scores: [price]\nlabel:'));
    await expect(loadDataset(bad('low'))).rejects.toThrow('"low" is not a number');
    await expect(loadDataset(bad('-1e39'))).rejects.toThrow('"-1e39" is too large for a score');
  });
});
