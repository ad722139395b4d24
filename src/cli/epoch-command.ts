/** An epoch, as it is printed. */
export interface PrintedEpoch {
  readonly epoch: number;
  readonly openedAtMs: number;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly afterPosition: bigint;
  readonly reason: string;
}

/** What the command needs of the log. */
export interface EpochsToPrint {
  list(): Promise<readonly PrintedEpoch[]>;
  open(reason: string): Promise<{
    readonly epoch: number;
    readonly afterPosition: bigint;
    readonly sessionsEnded: number;
  }>;
}

/** `daybook epoch`: the epochs of the log, a line for each; with a reason, a new one before. */
export async function printEpochs(
  epochs: EpochsToPrint,
  reason: string | undefined,
  print: (line: string) => void,
): Promise<void> {
  if (reason !== undefined) {
    const { epoch, afterPosition, sessionsEnded } = await epochs.open(reason);
    print(`Opened epoch ${epoch} after position ${afterPosition}.`);
    print(`Worker sessions ended: ${sessionsEnded}. Their jobs are interrupted and run again.`);
    return;
  }
  for (const each of await epochs.list()) {
    const openedAt = new Date(each.openedAtMs).toISOString();
    const server = `server ${each.systemIdentifier}, timeline ${each.timeline}`;
    print(`${each.epoch}  ${openedAt}  after ${each.afterPosition}  ${each.reason}  (${server})`);
  }
}
