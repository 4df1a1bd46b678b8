import { TwoTowerError } from '../src/errors.js';

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** A generated part of a document. */
export interface Block {
  /** Path of the document from the root of the project. */
  file: string;
  name: string;
  /** What measures again what the block says. */
  command: string;
  content: string;
}

/** The text with the block put between the two comments that bear its name. @throws USAGE where there are none */
export function withBlock(text: string, { file, name, command, content }: Block): string {
  const begin = `<!-- begin ${name}: `;
  const end = `<!-- end ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) {
    throw new TwoTowerError(
      'USAGE',
      `${file} has no place for "${name}"`,
      `Add two lines there: ${begin}--> and ${end}`,
    );
  }
  return `${text.slice(0, from)}${begin}${command} -->\n\n${content}\n\n${text.slice(to)}`;
}
