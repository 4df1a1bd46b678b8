import type { TrueFunnel } from '../true-funnel.js';
import { count, four, PHASE_TITLES, percent, type ReportTable } from './words.js';

/** What the truth of a generated log says, as tables. */
export function truthTables(truth: TrueFunnel, ks: readonly number[]): ReportTable[] {
  const { oracle, stages, lostByOrder, final, logged, places, requests } = truth;
  const clicks = (title: string, value: number) => [title, four(value), percent(value / oracle.clicks)];
  return [
    {
      title: 'Expected clicks under the truth',
      note: `Per request, the mean over ${count(requests)} requests, whether or not something was clicked; exact, because the log is generated. The oracle: the best ${count(places)} of all items in the best order. Lost at a phase: what the best ${count(places)} of what it hands on are worth less than the best ${count(places)} of what reached it. The losses and the final list add up to the oracle.`,
      rows: [
        ['', 'expected clicks', 'share'],
        clicks('oracle', oracle.clicks),
        ...stages.map(({ phase, lost }) => clicks(`lost at ${PHASE_TITLES[phase]}`, lost.clicks)),
        clicks('lost by the order', lostByOrder),
        clicks('final list', final.clicks),
        clicks("what the log's cascade showed", logged.clicks),
      ],
    },
    {
      title: 'Phases under the truth',
      note: `Relevance: the sum of the true probabilities of the best ${count(places)} that a phase hands on, of which the oracle has ${four(oracle.relevance)}. Oracle kept: share of the oracle's list that the phase hands on. True NDCG: of the phase's own order, with the true probabilities as gains; the oracle has 1.`,
      rows: [
        ['phase', 'hands on', 'relevance', 'share', 'oracle kept', ...ks.map((k) => `true NDCG@${k}`)],
        ...stages.map(({ phase, items, best, oracleKept, ndcg }) => [
          PHASE_TITLES[phase],
          count(items),
          four(best.relevance),
          percent(best.relevance / oracle.relevance),
          percent(oracleKept),
          ...ks.map((k) => four(ndcg[k]!)),
        ]),
      ],
    },
  ];
}
