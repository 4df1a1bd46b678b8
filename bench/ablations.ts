/** A model without one of its parts, or with it at another strength. */
export interface Variant {
  title: string;
  /** Settings besides those of the example configuration. */
  overrides: string[];
}

const WHOLE: Variant = { title: 'all of it', overrides: [] };

/** By model. */
export const VARIANTS: Record<string, Variant[]> = {
  dssm: [
    { title: 'clicked or not', overrides: [] },
    {
      title: 'the clicked one among the items of the batch',
      overrides: ['training.objectives=[{ loss: in-batch-softmax }]'],
    },
    {
      title: 'both',
      overrides: ['training.objectives=[{ loss: bce }, { loss: in-batch-softmax, weight: 0.1 }]'],
    },
  ],
  fit: [
    WHOLE,
    { title: 'without the Meta Query Module', overrides: ['model.metaQuery=none'] },
    { title: 'queries without self-attention', overrides: ['model.metaQuery=plain'] },
    { title: 'an inner product for the scorer', overrides: ['model.scorer=dot'] },
    { title: 'without annealing', overrides: ['model.temperature={ start: 1, end: 1 }'] },
  ],
  ranktower: [
    WHOLE,
    { title: 'without the gate of the heads', overrides: ['model.gate=false'] },
    { title: 'without the gate of the attention', overrides: ['model.attentionGate=false'] },
    { title: 'without cross-attention', overrides: ['model.crossAttention=none'] },
    { title: 'without any of these', overrides: ['model.gate=false', 'model.crossAttention=none'] },
  ],
  t2diff: [
    WHOLE,
    { title: 'diffusion of the items, not of their drift', overrides: ['model.generator=raw-diffusion'] },
    { title: 'without diffusion', overrides: ['model.generator=none'] },
  ],
  'lt-ttd': [
    { title: 'clicked or not alone', overrides: ['model.weights={ retrieval: 0, ranking: 0, distillation: 0 }'] },
    { title: 'and retrieval', overrides: ['model.weights.ranking=0', 'model.weights.distillation=0'] },
    ...[0, 0.1, 0.3, 1, 3].map((weight) => ({
      title: `and ranking, λ₃ = ${weight}`,
      overrides: [`model.weights.distillation=${weight}`],
    })),
  ],
};

/** The models whose pages show a table of these. */
export const ABLATED = Object.keys(VARIANTS);
