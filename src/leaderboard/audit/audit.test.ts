import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadDataset } from '../../data/load.js';
import { toyFolder } from '../../runs/testing/toy.js';
import { temporaryFolder } from '../../testing/folder.js';
import { type Audit, auditDataset, auditLines } from './audit.js';
import type { Finding } from './finding.js';
import { duplicates, orderOfParts, overlap } from './overlap.js';
import { judgePermuted, permuteFeedback } from './permuted.js';
import { singleFeatures } from './single-features.js';

// Each test trains.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let toy: Awaited<ReturnType<typeof toyFolder>>;
let clean: Audit;
beforeAll(async () => {
  toy = await toyFolder();
  clean = await auditDataset(join(toy.folder, 'data/dataset.yaml'), { threads: 1 });
}, 60_000);
afterAll(() => toy.remove());

const finding = ({ findings }: Audit, check: Finding['check']) => findings.find((one) => one.check === check)!;

/** The toy with other rows of events, other columns and another description. */
async function spoilt(
  change: (rows: string[][]) => string[][],
  describe: (description: Record<string, never>) => void = () => {},
): Promise<string> {
  const folder = await temporaryFolder();
  await cp(join(toy.folder, 'data'), folder, { recursive: true });
  const text = await readFile(join(folder, 'events.csv'), 'utf8');
  const rows = text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  await writeFile(
    join(folder, 'events.csv'),
    `${change(rows)
      .map((row) => row.join(','))
      .join('\n')}\n`,
  );
  const file = join(folder, 'dataset.yaml');
  const description = parse(await readFile(file, 'utf8'));
  describe(description);
  await writeFile(file, stringify(description));
  return file;
}

describe('auditDataset', () => {
  it('finds nothing wrong with an honest log', () => {
    expect(clean.findings.map(({ check, level }) => `${check} ${level}`)).toEqual([
      expect.stringMatching(/^duplicates/),
      expect.stringMatching(/^overlap/),
      'order of the parts ok',
      'moments ok',
      'single features ok',
      'permuted labels ok',
    ]);
    expect(auditLines(clean)[0]).toContain('label click');
  });

  it('warns of a feature that is the label in disguise, and of one from after the event', async () => {
    const file = await spoilt(
      ([header, ...rows]) => {
        const [click, time] = [header!.indexOf('click'), header!.indexOf('time')];
        return [
          [...header!, 'watched', 'checked_at'],
          ...rows.map((row, i) => [
            ...row,
            String(Number(row[click]) * 30 + (i % 20)),
            String(Number(row[time]) + 200_000),
          ]),
        ];
      },
      (description: { fields?: { context: object } }) => {
        Object.assign(description.fields!.context, {
          watched: { kind: 'numeric', buckets: 8 },
          checked_at: { kind: 'numeric', standardise: true },
        });
      },
    );
    const audit = await auditDataset(file, { threads: 1 });
    const single = finding(audit, 'single features');
    expect(single.level).toBe('warning');
    expect(single.says).toContain('context.watched');
    expect(single.says).not.toContain('checked_at');
    expect(audit.singleFeatures![0]).toMatchObject({ feature: 'context.watched' });
    expect(finding(audit, 'moments').says).toBe('context.checked_at is later than its event in 100.0 % of the events');
    expect(auditLines(audit).join('\n')).toContain('WARNING  moments');
    expect(audit.warnings).toBeGreaterThanOrEqual(2);
  });
});

describe('duplicates, overlap and order of the parts', () => {
  it('are counted as by looking at every pair of events', async () => {
    const dataset = await loadDataset(await spoilt(([header, ...rows]) => [header!, ...rows, ...rows.slice(0, 40)]));
    const { events, splits } = dataset;
    const same = (a: number, b: number) => events.user[a] === events.user[b] && events.item[a] === events.item[b];
    let repeated = 0;
    for (let row = 0; row < events.count; row++) {
      for (let before = 0; before < row; before++) {
        if (!same(row, before) || events.time[row] !== events.time[before]) continue;
        repeated++;
        break;
      }
    }
    expect(repeated).toBeGreaterThanOrEqual(40);
    expect(duplicates(dataset).says).toMatch(new RegExp(`^${repeated} of 1,540 exposures`));
    expect(duplicates(dataset).level).toBe('warning');
    const again = splits.test.filter((row) => splits.train.some((before) => same(row, before))).length;
    expect(overlap(dataset).says).toMatch(new RegExp(`^${again} of ${splits.test.length} test`));
  });

  it('tell a split that is not by time', async () => {
    const dataset = await loadDataset(join(toy.folder, 'data/dataset.yaml'));
    const { train, test } = dataset.splits;
    const swapped = { ...dataset, splits: { ...dataset.splits, train: test, test: train } };
    expect(orderOfParts(dataset).level).toBe('ok');
    expect(orderOfParts(swapped).level).toBe('warning');
  });
});

describe('single features', () => {
  it('gives a field of one value no more than chance', async () => {
    const dataset = await loadDataset(join(toy.folder, 'data/dataset.yaml'));
    const column = { encoding: 'id' as const, rows: new Int32Array(dataset.events.count).fill(1) };
    const context = {
      ...dataset.events.context,
      columns: new Map(dataset.events.context.columns).set('surface', column),
    };
    const found = singleFeatures({ ...dataset, events: { ...dataset.events, context } })!;
    expect(found.find(({ feature }) => feature === 'context.surface')!.auc).toBe(0.5);
  });
});

describe('a log of purchases alone', () => {
  it('has nothing to permute and nothing to tell apart', async () => {
    const file = await spoilt(
      (rows) => rows,
      (description: { feedback?: unknown; label?: string; histories?: unknown }) => {
        description.feedback = [{ name: 'bought', column: 'time', above: 0 }];
        description.label = 'bought';
        description.histories = {};
      },
    );
    const audit = await auditDataset(file, { threads: 1 });
    expect(audit).toMatchObject({ permuted: null, singleFeatures: null });
    expect(finding(audit, 'permuted labels').level).toBe('ok');
  });
});

describe('permuted labels', () => {
  it('deals all feedback out alike and keeps what there was', async () => {
    const dataset = await loadDataset(join(toy.folder, 'data/dataset.yaml'));
    const permuted = permuteFeedback(dataset, 1);
    const rowsOf = ({ events }: typeof dataset) =>
      Array.from({ length: events.count }, (_, row) =>
        [...events.feedback.values()].map((values) => values[row]).join(),
      );
    expect(rowsOf(permuted)).not.toEqual(rowsOf(dataset));
    expect(rowsOf(permuted).sort()).toEqual(rowsOf(dataset).sort());
  });

  it('warns of what chance does not explain', () => {
    const run = { standardError: 0.003, model: 'din', trained: 1000 };
    expect(judgePermuted({ ...run, auc: 0.512 }).level).toBe('ok');
    expect(judgePermuted({ ...run, auc: 0.53 }).level).toBe('warning');
    expect(judgePermuted({ ...run, auc: 0.47 }).level).toBe('warning');
    expect(judgePermuted(undefined).says).toContain('nothing to permute');
  });
});
