/**
 * How long tests wait for what others do in their own time, in ms: a minute, since a machine with twenty
 * times as much to do as it can takes that long for seconds. Nobody waits as long where all is well.
 */
export const PATIENCE_MS = 60_000;
