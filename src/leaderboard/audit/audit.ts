import type { DatasetConfig } from '../../data/config.js';
import { type LoadProgress, loadDataset } from '../../data/load.js';
import { withLabel } from '../../runs/data.js';
import type { Finding } from './finding.js';
import { judgeMoments, type MomentField, momentFields } from './moments.js';
import { duplicates, orderOfParts, overlap } from './overlap.js';
import { judgePermuted, type PermutedRun, permutedRun } from './permuted.js';
import { judgeSingleFeatures, type SingleFeature, singleFeatures } from './single-features.js';

export interface AuditOptions {
  /** Folder of the data files, instead of the one the description names. */
  root?: string | undefined;
  /** Feedback column, instead of the dataset's label. */
  label?: string | undefined;
  maxBadRows?: number;
  /** AUC above which a single feature is suspicious; 0.8 unless given. */
  threshold?: number;
  seed?: number;
  threads?: number;
  onProgress?: (progress: LoadProgress) => void;
}

/** What an audit found. */
export interface Audit {
  dataset: string;
  dataHash: string;
  label: string;
  findings: Finding[];
  warnings: number;
  singleFeatures: SingleFeature[] | null;
  moments: MomentField[];
  permuted: PermutedRun | null;
}

/**
 * Looks for what makes offline figures better than they are. An audit without a warning does not prove that there is no leak: a
 * feature that is only a little too well informed looks like a good feature.
 */
export async function auditDataset(source: DatasetConfig | string, options: AuditOptions = {}): Promise<Audit> {
  const { root, label, maxBadRows = 0, threshold = 0.8, seed = 1, threads = 0, onProgress = () => {} } = options;
  let moments: MomentField[] = [];
  const loaded = await loadDataset(source, {
    maxBadRows,
    ...(root !== undefined && { root }),
    onProgress,
    async onStaged(staged) {
      onProgress({ stage: 'looking for moments' });
      moments = await momentFields(staged);
    },
  });
  const dataset = withLabel(loaded, label);
  onProgress({ stage: 'trying single features' });
  const single = singleFeatures(dataset);
  const permuted = await permutedRun(dataset, {
    seed,
    threads,
    onEvent(event) {
      if (event.type === 'step') {
        onProgress({ stage: 'training on permuted labels', done: event.step, total: event.totalSteps });
      }
    },
  });
  const findings = [
    duplicates(dataset),
    overlap(dataset),
    orderOfParts(dataset),
    judgeMoments(moments),
    judgeSingleFeatures(single, threshold),
    judgePermuted(permuted),
  ];
  return {
    dataset: dataset.name,
    dataHash: dataset.hash,
    label: dataset.label,
    findings,
    warnings: findings.filter(({ level }) => level === 'warning').length,
    singleFeatures: single ?? null,
    moments,
    permuted: permuted ?? null,
  };
}

/** An audit for people: one paragraph per check. */
export function auditLines({ dataset, label, findings, warnings }: Audit): string[] {
  return [
    `${dataset}, label ${label}`,
    ...findings.flatMap(({ check, level, says, remedy }) => [
      '',
      `${level === 'ok' ? 'ok     ' : 'WARNING'}  ${check}`,
      `  ${says}`,
      ...(level === 'warning' && remedy !== undefined ? [`  ${remedy}`] : []),
    ]),
    '',
    warnings === 0 ? 'no warnings' : `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`,
  ];
}
