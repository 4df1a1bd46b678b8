/** What of a server's settings endangers what is stored. */
export interface ServerRisks {
  /** Why it must not be used. */
  refused?: string;
  warnings: string[];
}

/** Reads the risks from what the server answers to INFO; what it does not tell is no risk. */
export function risksOf(info: string): ServerRisks {
  const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const policy = value('maxmemory_policy') ?? '';
  if (policy.startsWith('allkeys') && Number(value('maxmemory') ?? 0) > 0) {
    return { refused: `when its memory is full it throws away any key (maxmemory-policy ${policy})`, warnings: [] };
  }
  const warnings: string[] = [];
  if (value('aof_enabled') === '0') {
    warnings.push('it keeps no append-only file: what it took since its last snapshot is lost when it ends');
  }
  return { warnings };
}
