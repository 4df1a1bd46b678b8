import { readFileSync } from 'node:fs';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { didYouMean, TwoTowerError } from './errors.js';

/**
 * Parses YAML and validates it. Every problem is listed with file, line and key path; a misspelled key gets a suggestion.
 *
 * @param file named in messages only
 * @throws CONFIG_UNREADABLE when it is not YAML, CONFIG_INVALID when it does not validate
 */
export function parseYaml<S extends z.ZodType>(text: string, file: string, schema: S): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new TwoTowerError('CONFIG_UNREADABLE', `${file}:${line}:${col}: ${broken.message}`, 'Correct the YAML.');
  }
  const value: unknown = document.toJS();
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  refuseOther(value, file, schema);
  const messages = flatten(result.error.issues, [], schema, value).map(({ path, message }) => {
    const offset = offsetOf(document, path);
    const place = offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
    return `${place}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`;
  });
  throw new TwoTowerError('CONFIG_INVALID', messages.join('\n'), 'Correct the lines named above.');
}

/** Keys by which each sort of file is known. */
const SORTS: readonly (readonly [sort: string, keys: readonly string[]])[] = [
  ['a dataset description', ['feedback', 'fields']],
  ['a training configuration', ['data', 'model']],
  ['a cascade', ['data', 'retrieve']],
];

/** One error for what is wrong as a whole: a file that says nothing, that is no mapping, or that is one of another sort. */
function refuseOther(value: unknown, file: string, schema: z.ZodType): void {
  const known = knownKeys(schema, [], value);
  const refuse = (says: string, remedy: string) => {
    throw new TwoTowerError('CONFIG_INVALID', `${file}: ${says}`, remedy);
  };
  if (value === null || value === undefined)
    refuse('nothing stands in it', `Write what it is to say: ${known.join(', ')}.`);
  if (typeof value !== 'object' || Array.isArray(value)) {
    const what = Array.isArray(value) ? 'a list' : `a ${typeof value}`;
    refuse(`it is ${what}, where keys with values are needed`, `Check the path, or write: ${known.join(', ')}.`);
  }
  const has = (key: string) => Object.hasOwn(value as object, key);
  const [sort, keys] = SORTS.find(([, keys]) => keys.every(has) && !keys.every((key) => known.includes(key))) ?? [];
  if (keys !== undefined) {
    const expected = SORTS.find(([, own]) => own.every((key) => known.includes(key)))?.[0];
    const wanted = expected === undefined ? 'another sort of file' : expected;
    refuse(`this is ${sort} (it has ${keys.join(' and ')}), where ${wanted} is needed`, 'Name the other file.');
  }
}

/** Reads and validates a YAML file: see {@link parseYaml}. */
export function readYaml<S extends z.ZodType>(file: string, schema: S): z.output<S> {
  return parseYaml(readText(file, 'Check the path.'), file, schema);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
};

/** The text of a configuration file. @throws CONFIG_UNREADABLE with the remedy given */
export function readText(file: string, remedy: string): string {
  const text = contentsOf(file, remedy);
  if (!text.includes('\0')) return text;
  throw new TwoTowerError('CONFIG_UNREADABLE', `${file}: it is no UTF-8 text`, remedy);
}

function contentsOf(file: string, remedy: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = REASONS[code ?? ''] ?? message;
    throw new TwoTowerError('CONFIG_UNREADABLE', `${file}: ${reason}`, remedy);
  }
}

/** One thing that is wrong with a value, in words of ours. */
export interface Problem {
  path: PropertyKey[];
  message: string;
}

/** What a schema found wrong with a value, a misspelled key with a suggestion. */
export function problemsOf(error: z.ZodError, schema: z.ZodType, value: unknown): Problem[] {
  return flatten(error.issues, [], schema, value);
}

/** Of one object; more unknown keys than this are no slips of the hand, and come in one message. */
const MOST_KEYS = 3;

/** What zod says where a schema has no words of its own. */
const PLAIN = /^Invalid input/;
const ZOD_WORDS = /^(Invalid (input|option)|Too (small|big)): expected/;

/** @param root the whole document, where `prefix` leads to what `schema` judged */
function flatten(
  issues: readonly z.core.$ZodIssue[],
  prefix: PropertyKey[],
  schema: z.ZodType,
  root: unknown,
): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = [...prefix, ...issue.path];
    if (PLAIN.test(issue.message)) {
      const said = valueAt(root, path);
      if (said === undefined) return [{ path, message: 'it is missing' }];
      if (said === null) return [{ path, message: 'nothing stands here: give it a value, or leave the key out' }];
    }
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, issue.path, valueAt(root, prefix));
      if (issue.keys.length > MOST_KEYS) {
        const names = issue.keys.map((key) => `"${key}"`).join(', ');
        return [{ path: [...path, issue.keys[0]!], message: `unknown keys ${names}, known: ${known.join(', ')}` }];
      }
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key "${key}"${known.length === 0 ? '' : `, ${didYouMean(key, known)}`}`,
      }));
    }
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const tried: z.core.$ZodIssue[][] = [...issue.errors];
      const best = [...tried].sort((a, b) => strangeness(a) - strangeness(b) || a.length - b.length)[0]!;
      if (strangeness(best) < Number.POSITIVE_INFINITY) {
        const union = descend(schema, issue.path, valueAt(root, prefix)) ?? z.unknown();
        return flatten(best, path, union, root);
      }
      const own = issue.message !== 'Invalid input';
      return [{ path, message: own ? issue.message : tried.map((one) => one[0]?.message ?? '').join(', or: ') }];
    }
    return [{ path, message: `${issue.message}${quoted(issue, valueAt(root, path))}` }];
  });
}

/** The offending value where zod's own words leave it out, if it is one that fits on a line. */
function quoted({ code, message }: z.core.$ZodIssue, said: unknown): string {
  if (code === 'custom' || !ZOD_WORDS.test(message) || typeof said === 'object') return '';
  const text = JSON.stringify(said) ?? '';
  return text === '' || text.length > 60 ? '' : `, here it is ${text}`;
}

/** How far an alternative is from what was written: the keys it does not know; infinite where the value is of another type. */
function strangeness(issues: readonly z.core.$ZodIssue[]): number {
  let keys = 0;
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') keys += issue.keys.length;
    else if (issue.path.length === 0) return Number.POSITIVE_INFINITY;
  }
  return keys;
}

/** The schema that judges a path, seen through wrappers and unions; undefined where it cannot be told. */
function descend(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): z.ZodType | undefined {
  let current = chosen(schema, value);
  path.forEach((key, i) => {
    let next: unknown;
    if (current instanceof z.ZodObject) next = current.shape[key as string];
    else if (current instanceof z.ZodRecord) next = current.valueType;
    else if (current instanceof z.ZodArray) next = current.element;
    current = next === undefined ? undefined : chosen(next as z.ZodType, valueAt(value, path.slice(0, i + 1)));
  });
  return current;
}

/** Takes wrappers off, and the alternative of a union that fits a value best. */
function chosen(schema: z.ZodType, value: unknown): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema;
  while (current !== undefined) {
    if (current instanceof z.ZodOptional || current instanceof z.ZodDefault || current instanceof z.ZodPrefault) {
      current = current.unwrap() as z.ZodType;
    } else if (current instanceof z.ZodPipe) current = current.in as z.ZodType;
    else if (current instanceof z.ZodDiscriminatedUnion) {
      const discriminator: string = current.def.discriminator;
      const said = valueAt(value, [discriminator]);
      current = (current.options as z.ZodType[]).find(
        (option) => option instanceof z.ZodObject && (option.shape[discriminator] as z.ZodType).safeParse(said).success,
      );
    } else if (current instanceof z.ZodUnion) {
      const fits = (option: z.ZodType) => strangeness(option.safeParse(value).error?.issues ?? []);
      current = [...(current.options as z.ZodType[])].sort((a, b) => fits(a) - fits(b))[0];
    } else return current;
  }
  return undefined;
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  const at = descend(schema, path, value);
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}

/** Where the node at a path, or the nearest one above it, begins. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const parent = length === 0 ? undefined : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const items = (parent as { items?: { key?: { value?: unknown; range?: [number, number, number] } }[] } | undefined)
      ?.items;
    const pair = items?.find((item) => item?.key?.value === key);
    if (pair?.key?.range) return pair.key.range[0];
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return node.range[0];
  }
  return undefined;
}
