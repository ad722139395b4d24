import pg from 'pg';
import { type HostList, hostListOf } from '../../kernel/servers/host-list.ts';
import { createServerLocator, type ServerLocator } from './server-locator.ts';

type Callback = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

/** How node-postgres keeps where a client connects to. */
interface Address {
  host: string;
  port: number;
}

/**
 * The class of clients for a connection string: node-postgres's own, or, where it names several servers,
 * one that finds out which of them is wanted whenever it connects. All clients of the class share
 * what they have found, so that only the first one after a failure has to ask.
 */
export function clientClassOf(connectionString: string | undefined): typeof pg.Client {
  const list = connectionString === undefined ? undefined : hostListOf(connectionString);
  return list === undefined ? pg.Client : listClientClass(list, createServerLocator(list));
}

/** A client for a config, whichever class that takes. */
export function makeClient(config: pg.ClientConfig): pg.Client {
  const Client = clientClassOf(config.connectionString);
  return new Client(config);
}

function listClientClass({ servers }: HostList, locator: ServerLocator): typeof pg.Client {
  return class ListClient extends pg.Client {
    constructor(config: pg.ClientConfig) {
      super({ ...config, connectionString: servers[0] });
    }

    override connect(): Promise<pg.Client>;
    override connect(callback: Callback): void;
    override connect(callback?: Callback): Promise<pg.Client> | undefined {
      if (callback === undefined) return this.#connect();
      const tell = callback as (error: unknown, client?: pg.Client) => void;
      this.#connect().then((client) => tell(null, client), tell);
      return undefined;
    }

    async #connect(): Promise<pg.Client> {
      const server = await locator.find();
      const { host, port } = new pg.Client({ connectionString: server });
      const own = this as unknown as Address & { connectionParameters: Address };
      Object.assign(own, { host, port });
      Object.assign(own.connectionParameters, { host, port });
      let isStandby = false;
      this.connection.on('parameterStatus', (message: Status) => {
        if (message.parameterName === 'in_hot_standby') isStandby = message.parameterValue === 'on';
      });
      // Who loses a connection does not know why: the next one asks again.
      this.on('error', () => locator.forget(server));
      try {
        await super.connect();
      } catch (error) {
        locator.forget(server);
        throw error;
      }
      const isOther =
        locator.wanted === 'read-write' ? isStandby : locator.wanted === 'read-only' && !isStandby;
      if (!isOther) return this;
      locator.forget(server);
      this.end(() => undefined);
      const message = `${host}:${port} is not ${locator.wanted} any more`;
      throw Object.assign(new Error(message), { code: 'ECONNREFUSED' });
    }
  };
}

interface Status {
  readonly parameterName: string;
  readonly parameterValue: string;
}
