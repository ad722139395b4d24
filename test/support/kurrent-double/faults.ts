/** What the double does to one append instead of answering it as it should. */
export type Fault =
  /** Neither writes nor answers. */
  | 'hang'
  /** Writes, and does not answer. */
  | 'hang-after-commit'
  /** Ends its side of the connection in good order, and answers nothing that is under way. */
  | 'half-close'
  /** Breaks the call off before it has written. */
  | 'drop'
  /** Writes, and breaks the call off. */
  | 'drop-after-commit'
  /** "Server Is Busy", which clients know no name for. */
  | 'busy'
  | 'not-ready'
  /** The server’s own time for it is over. */
  | 'timeout'
  /** Breaks the call off as a node that is not (or no longer) the leader. */
  | 'not-leader'
  /** Writes, and then says that it is no longer the leader. */
  | 'lost-leadership'
  /** A batch of several is written in part, and the call is broken off: what a lost leader may leave. */
  | 'partial-batch';

export const faults: readonly Fault[] = [
  'hang',
  'hang-after-commit',
  'half-close',
  'drop',
  'drop-after-commit',
  'busy',
  'not-ready',
  'timeout',
  'not-leader',
  'lost-leadership',
  'partial-batch',
];

/** Asked before each append; undefined lets it be. */
export type ChooseFault = (append: {
  readonly stream: string;
  readonly events: number;
}) => Fault | undefined;

/** True for faults that leave the events written. */
export function writesAll(fault: Fault): boolean {
  return (
    fault === 'hang-after-commit' || fault === 'drop-after-commit' || fault === 'lost-leadership'
  );
}
