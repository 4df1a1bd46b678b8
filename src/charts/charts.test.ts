import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paretoFront } from './front.js';
import { intervals } from './intervals.js';
import { page, tableHtml } from './page.js';
import { linePanels, reliabilityPanels } from './panels.js';
import { linearScale, logScale } from './scale.js';
import { scatter } from './scatter.js';

const CLEAN = /NaN|Infinity|undefined|\[object/;

describe('scales', () => {
  it('steps by 1, 2 or 5 and covers the values, as numbers a reader expects', () => {
    const scale = linearScale([0.7312, 0.7448], 100, 0);
    expect(scale.ticks.map(scale.text)).toEqual(['0.730', '0.735', '0.740', '0.745', '0.750']);
    expect([scale.at(0.73), scale.at(0.75)]).toEqual([expect.closeTo(100, 9), expect.closeTo(0, 9)]);
    const around = linearScale([-0.004, 0.006], 0, 100, 4);
    expect(around.ticks.map(around.text)).toEqual(['-0.005', '0.000', '0.005', '0.010']);
  });

  it('is logarithmic where it should be: the same factor is the same distance', () => {
    const scale = logScale([10, 1000], 0, 300);
    expect(scale.at(100) - scale.at(10)).toBeCloseTo(scale.at(1000) - scale.at(100), 9);
    expect(scale.ticks).toEqual([10, 20, 50, 100, 200, 500, 1000]);
    expect(logScale([7, 7], 0, 100).ticks).toEqual([expect.closeTo(7, 9)]);
  });

  it('keeps every value within the axis, whatever the values', () => {
    const value = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), (values) => {
        for (const scale of [linearScale(values, 0, 100), logScale(values, 0, 100)]) {
          for (const one of values) {
            expect(scale.at(one)).toBeGreaterThanOrEqual(-1e-6);
            expect(scale.at(one)).toBeLessThanOrEqual(100 + 1e-6);
          }
          expect(scale.ticks.length).toBeLessThan(30);
        }
      }),
      { seed: 21 },
    );
  });
});

describe('paretoFront', () => {
  const points = [
    { cost: 1, quality: 0.5 },
    { cost: 2, quality: 0.7 },
    { cost: 3, quality: 0.6 },
    { cost: 2, quality: 0.6 },
  ];

  it('keeps what nothing beats', () => {
    expect(paretoFront(points)).toEqual([true, true, false, false]);
    expect(paretoFront(points, { lowerIsBetter: true })).toEqual([true, false, false, false]);
  });

  it('keeps equals', () => {
    expect(paretoFront([points[0]!, points[0]!])).toEqual([true, true]);
  });
});

const POINTS = [
  { name: 'a<b', cost: 10, quality: 0.5, deviation: 0.01 },
  { name: 'dear', cost: 1000, quality: 0.6, deviation: 0 },
  { name: 'worse', cost: 2000, quality: 0.55, deviation: 0.01 },
];
const SCATTER = {
  id: 's',
  title: 'quality',
  points: POINTS,
  costLabel: 'FLOPs',
  qualityLabel: 'auc',
  costText: String,
};

describe('scatter', () => {
  const dots = (text: string) =>
    [...text.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="5" class="(\w+)"/g)].map(([, x, y, kind]) => ({
      x: Number(x),
      y: Number(y),
      kind,
    }));

  it('draws dearer points further right, better ones higher, and joins those that nothing beats', () => {
    const text = scatter(SCATTER);
    const [cheap, dear, worse] = dots(text);
    expect([cheap!.kind, dear!.kind, worse!.kind]).toEqual(['best', 'best', 'other']);
    expect(cheap!.x).toBeLessThan(dear!.x);
    expect(dear!.y).toBeLessThan(worse!.y);
    expect(worse!.y).toBeLessThan(cheap!.y);
    expect(text).toContain(`<polyline points="${cheap!.x},${cheap!.y} ${dear!.x},${dear!.y}"`);
    expect(text).toContain('a&lt;b');
    expect(text).not.toMatch(CLEAN);
  });

  it('turns around where less is better', () => {
    expect(dots(scatter({ ...SCATTER, lowerIsBetter: true })).map(({ kind }) => kind)).toEqual([
      'best',
      'other',
      'other',
    ]);
  });

  it('draws one point, and points at one place', () => {
    expect(scatter({ ...SCATTER, points: POINTS.slice(1, 2) })).not.toMatch(CLEAN);
    expect(scatter({ ...SCATTER, points: [POINTS[1]!, { ...POINTS[1]!, name: 'same' }] })).not.toMatch(CLEAN);
  });
});

describe('intervals', () => {
  it('draws each from low to high, around the line at zero', () => {
    const text = intervals({
      id: 'i',
      title: 'differences',
      label: 'auc',
      rows: [
        { name: 'better', low: 0.01, value: 0.02, high: 0.03, kind: 'better' },
        { name: 'same', low: -0.01, value: 0, high: 0.01, kind: 'same' },
      ],
    });
    const zero = Number(/x1="([\d.]+)"[^>]*class="zero"/.exec(text)![1]);
    const [better, same] = [...text.matchAll(/x1="([\d.]+)" x2="([\d.]+)"[^>]*class="interval"/g)].map(([, a, b]) => [
      Number(a),
      Number(b),
    ]);
    expect(better![0]).toBeGreaterThan(zero);
    expect(zero - same![0]!).toBeCloseTo(same![1]! - zero, 0);
    expect(text).not.toMatch(CLEAN);
  });
});

describe('panels', () => {
  it('draws every line once as its own and once behind each other', () => {
    const lines = ['one', 'two', 'three'].map((name, i) => ({
      name,
      points: [
        { x: 1, y: i },
        { x: 2, y: i + 1 },
      ],
    }));
    const panels = linePanels({ id: 'p', title: 'auc', lines, xLabel: 'step' });
    expect(panels).toHaveLength(3);
    expect(panels[0]!.match(/class="faint"/g)).toHaveLength(2);
    expect(panels.join('')).not.toMatch(CLEAN);
  });

  it('draws a calibrated model along the diagonal', () => {
    const bins = [0.1, 0.4].map((rate) => ({ meanPrediction: rate, meanLabel: rate, count: 1 }));
    const [text] = reliabilityPanels({ id: 'c', models: [{ name: 'm', bins }] });
    const [x1, y1, x2, y2] = /x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)" class="zero"/
      .exec(text!)!
      .slice(1)
      .map(Number) as [number, number, number, number];
    for (const [, x, y] of text!.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)) {
      expect((Number(y) - y1) / (y2 - y1)).toBeCloseTo((Number(x) - x1) / (x2 - x1), 2);
    }
  });
});

describe('page', () => {
  it('fetches nothing, escapes what it is told, marks what is better and worse', () => {
    const text = page({
      title: '<b>',
      body: [
        tableHtml('t', [
          ['m', 'auc'],
          ['a|b', '0.7 ▲'],
          ['c', '0.6 ▼'],
        ]),
      ],
      footer: '&',
    });
    expect(text).not.toMatch(/(src|href)=|@import|url\(|<script|<b>/);
    expect(text).toContain('prefers-color-scheme: dark');
    // What crosses a name does not touch its letters.
    expect(text).toMatch(/svg text {[^}]* paint-order: stroke; stroke: var\(--paper\)/);
    expect(text).toContain('<td class="good">0.7 ▲</td>');
    expect(text).toContain('<td class="bad">0.6 ▼</td>');
  });
});
