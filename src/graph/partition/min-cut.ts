/**
 * A directed graph with capacities between a source and a sink, and its cheapest cut (Dinic 1970: shortest augmenting paths, level by
 * level).
 */
export class FlowNetwork {
  private readonly edges: number[][];
  /** Edge i and its reverse i ^ 1. */
  private readonly heads: number[] = [];
  private readonly left: number[] = [];

  /** Nodes are numbers from 0; the last two are `source` and `sink`. */
  constructor(nodes: number) {
    this.edges = Array.from({ length: nodes + 2 }, () => []);
  }

  get source(): number {
    return this.edges.length - 2;
  }

  get sink(): number {
    return this.edges.length - 1;
  }

  /** An edge; cutting it costs `capacity` where `from` is on the source's side and `to` on the sink's. */
  connect(from: number, to: number, capacity: number): void {
    this.edges[from]!.push(this.heads.length);
    this.heads.push(to);
    this.left.push(capacity);
    this.edges[to]!.push(this.heads.length);
    this.heads.push(from);
    this.left.push(0);
  }

  /** The nodes on the source's side of the cheapest cut, the fewest if there are several. */
  sourceSide(): ReadonlySet<number> {
    for (;;) {
      const { order, depths } = this.fromSource();
      if (depths[this.sink]! < 0) return new Set(order);
      this.fill(depths);
    }
  }

  /** Nodes that can be reached over edges with room, and how many edges away they are: -1 where they cannot. */
  private fromSource(): { order: number[]; depths: Int32Array } {
    const depths = new Int32Array(this.edges.length).fill(-1);
    const order = [this.source];
    depths[this.source] = 0;
    for (const node of order) {
      for (const edge of this.edges[node]!) {
        const head = this.heads[edge]!;
        if (this.left[edge] === 0 || depths[head]! >= 0) continue;
        depths[head] = depths[node]! + 1;
        order.push(head);
      }
    }
    return { order, depths };
  }

  /** Sends as much as fits along shortest ways. */
  private fill(depths: Int32Array): void {
    const { edges, heads, left, source, sink } = this;
    /** Of each node the first edge that may still lead on. */
    const next = new Int32Array(edges.length);
    const way: number[] = [];
    for (let node = source; ; ) {
      if (node === sink) {
        const least = way.reduce((room, edge) => Math.min(room, left[edge]!), Number.POSITIVE_INFINITY);
        for (const edge of way) {
          left[edge]! -= least;
          left[edge ^ 1]! += least;
        }
        way.length = way.findIndex((edge) => left[edge] === 0);
        node = way.length === 0 ? source : heads[way.at(-1)!]!;
        continue;
      }
      const own = edges[node]!;
      const leadsOn = (edge: number) => left[edge]! > 0 && depths[heads[edge]!] === depths[node]! + 1;
      while (next[node]! < own.length && !leadsOn(own[next[node]!]!)) next[node]!++;
      if (next[node]! < own.length) {
        const edge = own[next[node]!]!;
        way.push(edge);
        node = heads[edge]!;
      } else {
        const back = way.pop();
        if (back === undefined) return;
        node = heads[back ^ 1]!;
        next[node]!++;
      }
    }
  }
}
