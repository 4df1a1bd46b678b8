import { formatMetric } from '../../evaluation/report.js';
import { titleOf } from '../protocols.js';
import type { Leaderboard, TableResult } from '../results.js';
import { byPlace, type ReportTable, signed, titled } from './tables.js';

/** Our figures beside those that others printed; nothing where the table names none. */
export function publishedTable({ protocol, models, published }: TableResult): ReportTable[] {
  if (published === undefined) return [];
  const { source, values } = published;
  const rows = byPlace(models, protocol.metrics[0]!).flatMap(({ name, metrics }) =>
    protocol.metrics.flatMap((metric) => {
      const printed = values[name]?.[metric];
      if (printed === undefined) return [];
      const mean = metrics[metric]?.mean;
      return [
        [name, metric, formatMetric(mean), formatMetric(printed), mean === undefined ? '–' : signed(mean - printed)],
      ];
    }),
  );
  return [
    {
      title: titled('Beside the printed figures', protocol),
      note: `Printed: ${source}. Nothing is judged by them.`,
      rows: [['model', 'metric', 'ours', 'printed', 'ours − printed'], ...rows],
    },
  ];
}

/**
 * What every model gains over the baseline, as printed and in each table that has the models, by its first metric: what is left of a
 * printed gain where nothing leaks. Nothing where no table has printed figures.
 */
export function gainsTable({ tables }: Leaderboard): ReportTable[] {
  const printing = tables.find(({ published }) => published !== undefined);
  if (printing === undefined) return [];
  const { baseline, protocol, published } = printing;
  const metric = protocol.metrics[0]!;
  const same = tables.filter((table) => table.baseline === baseline && table.protocol.metrics[0] === metric);
  const gain = (value: number | null | undefined, of: number | null | undefined) =>
    typeof value === 'number' && typeof of === 'number' ? signed(value - of) : '–';
  const meanOf = ({ models }: TableResult, name: string) =>
    models.find((model) => model.name === name)?.metrics[metric]?.mean;
  const names = printing.models.map(({ name }) => name).filter((name) => name !== baseline);
  return [
    {
      title: `What is gained over ${baseline}`,
      note: `Differences of ${metric}. The first column is as printed in ${published!.source}; the tables are those below, and the figures of one say nothing about another.`,
      rows: [
        ['model', 'printed', ...same.map((table) => titleOf(table.protocol))],
        ...names.map((name) => [
          name,
          gain(published!.values[name]?.[metric], published!.values[baseline]?.[metric]),
          ...same.map((table) => gain(meanOf(table, name), meanOf(table, baseline))),
        ]),
      ],
    },
  ];
}
