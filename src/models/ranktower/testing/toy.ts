/** Sizes of the toy model where no unit stands at its kink and no maximum is about to change: differences would step over them. */
export default { trunk: [7, 7] };
