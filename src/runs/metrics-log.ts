import { appendFile, readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../files.js';

/** `metrics.jsonl`: one JSON object a line. Lines are counted, so that a resumed run can drop those of the steps it repeats. */
export class MetricsLog {
  lines = 0;

  constructor(private readonly file: string) {}

  async append(line: object): Promise<void> {
    await appendFile(this.file, `${JSON.stringify(line)}\n`);
    this.lines++;
  }

  /** Keeps the first `lines` lines, or as many as there are. */
  async rewind(lines: number): Promise<void> {
    const kept = (await this.read()).slice(0, lines);
    await writeFileAtomic(this.file, kept.map((line) => `${line}\n`).join(''));
    this.lines = lines;
  }

  /** Speed as last reported, for a run that has nothing left to train. */
  async lastSpeed(): Promise<number | null> {
    for (const line of (await this.read()).reverse()) {
      const { samplesPerSecond } = JSON.parse(line) as { samplesPerSecond?: number };
      if (samplesPerSecond !== undefined) return samplesPerSecond;
    }
    return null;
  }

  private async read(): Promise<string[]> {
    const text = await readFile(this.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').slice(0, -1);
  }
}
