/**
 * Layers without kinks, which differences would step over, and only two of them: each batch normalisation enlarges what rounding
 * leaves, and the suite compares states to their last digits.
 */
export default { towers: [8, 8], activation: 'tanh' };
