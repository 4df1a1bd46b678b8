/**
 * Names of places in a model. Building a graph is synchronous, so a stack is enough: `inScope('mlp', () => …)` puts
 * everything made inside under `…/mlp`.
 */
let stack: string[] = [];

export function inScope<T>(name: string, build: () => T): T {
  stack.push(name);
  try {
    return build();
  } finally {
    stack.pop();
  }
}

/** Runs `build` as if at the top: for things that live at a fixed place whoever asks for them, such as shared tables. */
export function atRoot<T>(build: () => T): T {
  const kept = stack;
  stack = [];
  try {
    return build();
  } finally {
    stack = kept;
  }
}

export function currentScope(): string {
  return stack.join('/');
}
