import { describe, expect, it } from 'vitest';
import type { FunnelReport } from '../evaluate.js';
import { reportHtml } from './html.js';
import { reportMarkdown } from './markdown.js';

/** A report with numbers that can be found again. */
const REPORT: FunnelReport = {
  dataset: 'a <b> & "c"',
  logHash: '0123456789abcdef',
  part: 'test',
  label: 'click',
  runs: [{ phase: 'retrieve', folder: 'runs/a|b', model: 'dssm', step: 3, dataHash: '00' }],
  requests: { withRelevant: 1234, seen: 5, measured: 100 },
  seed: 1,
  ks: [10],
  metrics: {
    requests: 100,
    relevant: 200,
    kept: 80,
    stages: [
      { phase: 'retrieve', items: 500, recall: 0.6, ndcg: { 10: 0.1 }, lost: 80 },
      { phase: 'prerank', items: 100, recall: 0.4, ndcg: { 10: 0.2 }, agreement: { 10: 0.875 }, lost: 40 },
    ],
    irretrievable: 0.8,
    ceiling: { recall: 0.6, ndcg: { 10: 0.7 } },
  },
  flops: { phases: { retrieve: 1500, prerank: 2.5e6 }, total: 2.5015e6 },
  milliseconds: {
    requests: 10,
    phases: { retrieve: { p50: 1, p95: 2 }, prerank: { p50: 3, p95: 4 } },
    total: { p50: 5, p95: 6 },
  },
  budget: 50,
  upqeOurs: { retrieval: 0.6, ranking: 0.2, efficiency: 0.9, arithmetic: 0.5, geometric: 0.4, propagation: 0.3 },
  sweep: [
    { retrieve: 100, prerank: 10, ndcg: 0.1, recall: 0.2, flops: 1e6, frontier: true },
    { retrieve: 500, prerank: 100, ndcg: 0.2, recall: 0.4, flops: 2.5e6, frontier: true },
    { retrieve: 500, prerank: 50, ndcg: 0.05, recall: 0.1, flops: 2e6, frontier: false },
  ],
  environment: { twotower: '0', node: '20', onnxruntime: '1', platform: 'x', cpu: 'y', cores: 2, memoryGiB: 8 },
};

describe('the report', () => {
  it('as HTML fetches nothing, escapes what it is told and has no number that is none', () => {
    const html = reportHtml(REPORT);
    expect(html).toContain('Funnel report: a &lt;b&gt; &amp; &quot;c&quot;');
    expect(html).not.toContain('a <b>');
    expect(html).not.toMatch(/(src|href)=|@import|url\(|<script|NaN|Infinity|undefined|\[object/);
    expect(html).toContain('prefers-color-scheme: dark');
    // Both pictures have a title and a description for those who do not see them.
    expect(html.match(/role="img" aria-labelledby/g)).toHaveLength(2);
    // On a phone they scroll at a size that can be read.
    expect(html.match(/<div class="scroll"[^>]*><svg/g)).toHaveLength(2);
    // What crosses a name does not touch its letters.
    expect(html).toMatch(/svg text {[^}]* paint-order: stroke; stroke: var\(--paper\)/);
    expect(html).toMatch(/@media \(max-width: 36rem\) { \.scroll svg { min-width: 36rem; } }/);
  });

  it('draws bars as long as what is left', () => {
    const widths = [...reportHtml(REPORT).matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
    // 200 relevant items are 420 wide: before and after each phase.
    expect(widths).toEqual([420, 252, 252, 168]);
  });

  it('draws dearer points further right and better ones higher', () => {
    const dots = [...reportHtml(REPORT).matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+" class="(\w+)"/g)].map(
      ([, x, y, kind]) => ({ x: Number(x), y: Number(y), kind }),
    );
    expect(dots.map(({ kind }) => kind)).toEqual(['best', 'configured', 'other']);
    const [cheap, configured, middle] = dots;
    expect(cheap!.x).toBeLessThan(middle!.x);
    expect(middle!.x).toBeLessThan(configured!.x);
    expect(configured!.y).toBeLessThan(cheap!.y);
    expect(cheap!.y).toBeLessThan(middle!.y);
  });

  it.each([
    ['a single point', REPORT.sweep.slice(0, 1)],
    ['equal points', REPORT.sweep.map((point) => ({ ...point, ndcg: 0, flops: 1e6 }))],
  ])('draws %s', (_, sweep) => {
    expect(reportHtml({ ...REPORT, sweep })).not.toMatch(/NaN|Infinity/);
  });

  it('as Markdown keeps its tables whole', () => {
    const text = reportMarkdown(REPORT);
    expect(text).toContain('| pre-rank | 100 | 0.4000 | 0.2000 | 0.8750 |');
    expect(text).toContain('| lost at pre-rank | 40 | 20.0 % |');
    for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
      const columns = block.split('\n').map((row) => row.replaceAll('\\|', '').split('|').length);
      expect(new Set(columns).size).toBe(1);
    }
  });
});
