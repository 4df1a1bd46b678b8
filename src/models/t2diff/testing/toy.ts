/** The toy history has four events. */
export default { session: 2, steps: 5, levels: 2 };
