/**
 * A version folder:
 *
 *     manifest.json            phases and their parts (`manifest.ts`), and the SHA-256 of every other file
 *     items.safetensors        the catalogue: key and raw columns of every item, as they lie in memory (`engine/table-file.ts`)
 *     users.safetensors        the users likewise
 *     histories.safetensors    every user's earlier items, by rows of the two tables
 *     PHASE/schema.json        features of the phase's model
 *     PHASE/encoders.json      vocabularies and scalers: raw values → feeds
 *     PHASE/PART.onnx          item, user, score (and rerank)
 *     PHASE/items.safetensors  what the item part gives for every row of the catalogue; row 0 is the unknown item
 *     retrieve/index/          the retrieval index, where there are so many items that exact search would be slower
 */
export const VERSION_FILES = {
  manifest: 'manifest.json',
  items: 'items.safetensors',
  users: 'users.safetensors',
  histories: 'histories.safetensors',
  schema: 'schema.json',
  encoders: 'encoders.json',
  states: 'items.safetensors',
  index: 'index',
} as const;

/** What to do about a version folder that is not what was written. */
export const REMEDY = 'Copy the version folder anew, or publish again.';
