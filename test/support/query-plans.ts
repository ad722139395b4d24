/** A node of EXPLAIN (FORMAT JSON), as far as it matters here. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  /** Of EXPLAIN (ANALYZE). */
  readonly 'Actual Loops'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** The tables that a plan reads from front to end. */
export function sequentialScans(explained: unknown): string[] {
  return nodesOf(explained)
    .filter((node) => node['Node Type'] === 'Seq Scan')
    .map((node) => node['Relation Name'] ?? '?');
}

/** The partitions of the log that were looked into when a plan ran. */
export function visitedPartitions(explained: unknown): string[] {
  const visited = nodesOf(explained).filter((node) => (node['Actual Loops'] ?? 0) > 0);
  const names = visited.map((node) => node['Relation Name'] ?? '');
  return [...new Set(names.filter((name) => /^events_\d+$/.test(name)))];
}

function nodesOf(explained: unknown): PlanNode[] {
  const [{ Plan: root }] = explained as [{ Plan: PlanNode }];
  const below = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(below)];
  return below(root);
}
