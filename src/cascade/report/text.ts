import type { FunnelReport } from '../evaluate.js';
import { truthTables } from './truth.js';
import { count, four, large, ms, PHASE_TITLES, percent, type ReportTable } from './words.js';

/** What was run on what, in one sentence each. */
export function introduction(report: FunnelReport): string[] {
  const { runs, requests, dataset, part, label, metrics } = report;
  const chain = runs.map(({ phase, model, folder }) => `${PHASE_TITLES[phase]}: ${model} (${folder})`).join('; ');
  const left = requests.seen === 0 ? '' : ` ${count(requests.seen)} others were left out, because a run had seen them.`;
  return [
    chain,
    `${count(requests.measured)} of ${count(requests.withRelevant)} requests of the ${part} part of ${dataset} with an item that is relevant (${label}), drawn with seed ${report.seed}: ${count(metrics.relevant)} relevant items.${left}`,
  ];
}

/** Everything the report says, as tables. */
export function reportTables(report: FunnelReport): ReportTable[] {
  const { metrics, ks, flops, milliseconds, upqeOurs: upqe, sweep, guarantees, budget } = report;
  const { stages } = metrics;
  const k = ks[0]!;
  const tables: ReportTable[] = [
    {
      title: 'What comes through',
      note: `Recall: relevant items handed on / relevant items. NDCG: of the phase's own order over all relevant items, found or not. Agreement: share of the ranker's top k of all retrieved items that was handed on. The ceiling is the best that any order of what was retrieved could reach. |U|, the relevant items that retrieval loses for good: ${four(metrics.irretrievable)} a request.`,
      rows: [
        ['phase', 'hands on', 'recall', ...ks.map((at) => `NDCG@${at}`), ...ks.map((at) => `agreement@${at}`)],
        ...stages.map(({ phase, items, recall, ndcg, agreement }) => [
          PHASE_TITLES[phase],
          count(items),
          four(recall),
          ...ks.map((at) => four(ndcg[at]!)),
          ...ks.map((at) => (agreement === undefined ? '–' : four(agreement[at]!))),
        ]),
        [
          'ceiling',
          '',
          four(metrics.ceiling.recall),
          ...ks.map((at) => four(metrics.ceiling.ndcg[at]!)),
          ...ks.map(() => ''),
        ],
      ],
    },
    {
      title: 'Where relevant items are lost',
      note: 'Over all requests; the parts add up to all relevant items.',
      rows: [
        ['', 'relevant items', 'share'],
        ...stages.map(({ phase, lost }) => [
          `lost at ${PHASE_TITLES[phase]}`,
          count(lost),
          percent(lost / metrics.relevant),
        ]),
        ['kept to the end', count(metrics.kept), percent(metrics.kept / metrics.relevant)],
      ],
    },
    {
      title: 'What a request costs',
      note: `FLOPs are read off the graphs; retrieval by exact search. Times: ${milliseconds.requests} requests one by one on this machine.`,
      rows: [
        ['phase', 'FLOPs', 'p50', 'p95'],
        ...stages.map(({ phase }) => [
          PHASE_TITLES[phase],
          large(flops.phases[phase] ?? 0),
          ms(milliseconds.phases[phase]?.p50),
          ms(milliseconds.phases[phase]?.p95),
        ]),
        ['together', large(flops.total), ms(milliseconds.total.p50), ms(milliseconds.total.p95)],
      ],
    },
    {
      title: 'UPQE_ours',
      note: `Our reading of a metric whose published formula is not public; not comparable with the paper's values. ρ = recall of retrieval, ν = NDCG@${k} at the end, κ = 1/(1 + p95/${budget} ms), π = ν / its ceiling. Arithmetic: 0.4ρ + 0.4ν + 0.2κ; geometric: ρ^0.4 ν^0.4 κ^0.2.`,
      rows: [
        ['', 'ρ', 'ν', 'κ', 'π', 'arithmetic', 'geometric'],
        [
          'UPQE_ours',
          ...[upqe.retrieval, upqe.ranking, upqe.efficiency, upqe.propagation, upqe.arithmetic, upqe.geometric].map(
            four,
          ),
        ],
      ],
    },
  ];
  if (report.truth !== undefined) tables.push(...truthTables(report.truth, ks));
  if (guarantees !== undefined) {
    tables.push({
      title: 'What the ranker guarantees about retrieval',
      note: `Per request, over the list of the ${count(guarantees.retrieved)} retrieved and the relevant items they miss: ε = KL(ranker ‖ towers) and μ = the least share the ranker gives a relevant item, both at temperature 1. Where μ > 1/(K+1), |U| ≤ √(ε/2)/(μ − 1/(K+1)); in every request Σ over U of (share − 1/(K+1)) ≤ √(ε/2).`,
      rows: [
        ['', 'value'],
        ['requests', count(guarantees.requests)],
        ['|U|', four(guarantees.irretrievable)],
        ['ε', four(guarantees.divergence)],
        ['μ', guarantees.leastShare.toPrecision(3)],
        ['requests with μ > 1/(K+1)', count(guarantees.bounded)],
        ['bound on |U| there', guarantees.bound === null ? '–' : four(guarantees.bound)],
        ['|U| there', guarantees.irretrievableWhereBounded === null ? '–' : four(guarantees.irretrievableWhereBounded)],
        ['Σ over U (share − 1/(K+1))', four(guarantees.lostShare)],
        ['√(ε/2)', four(guarantees.pinsker)],
        ['requests that break a bound', count(guarantees.violations)],
      ],
    });
  }
  tables.push({
    title: 'Quality against cost',
    note: `List lengths and what they give: NDCG@${k} and recall of the final list. Best: no other pair is as good for less.`,
    rows: [
      ['N1', 'N2', 'FLOPs', `NDCG@${k}`, 'recall', ''],
      ...sweep.map((point) => [
        count(point.retrieve),
        count(point.prerank),
        large(point.flops),
        four(point.ndcg),
        four(point.recall),
        point.frontier ? 'best' : '',
      ]),
    ],
  });
  return tables;
}
