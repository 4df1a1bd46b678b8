/** How a query and a row are compared; of either, more is better. */
export const INDEX_METRICS = ['inner-product', 'cosine'] as const;
export type IndexMetric = (typeof INDEX_METRICS)[number];
