import { categorical } from './categorical.js';

/** The key of a user or an item, or of anything that has one (an author, a shop). */
export const id: typeof categorical = categorical;
