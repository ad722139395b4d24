/** A node of EXPLAIN (FORMAT JSON), as far as it matters here. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** The tables that a plan reads from front to end. */
export function sequentialScans(explained: unknown): string[] {
  const [{ Plan: root }] = explained as [{ Plan: PlanNode }];
  const found: string[] = [];
  const visit = (node: PlanNode) => {
    if (node['Node Type'] === 'Seq Scan') found.push(node['Relation Name'] ?? '?');
    for (const child of node.Plans ?? []) visit(child);
  };
  visit(root);
  return found;
}
