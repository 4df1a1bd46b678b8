/** Element types of the symbolic graph. */
export type DType = 'float32' | 'float64' | 'int32' | 'int64' | 'bool';

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';
