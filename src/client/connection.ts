export interface ClientOptions {
  /** Where the server is, such as `http://127.0.0.1:7070`. */
  readonly url: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: the one of the platform. */
  readonly fetch?: typeof fetch | undefined;
  /** A number in [0, 1), for pauses; default Math.random. */
  readonly random?: (() => number) | undefined;
}

/** The way to one server. */
export interface Connection {
  readonly random: () => number;
  /** @param path from the root of the server */
  request(path: string, init?: RequestInit): Promise<Response>;
}

export function createConnection(options: ClientOptions): Connection {
  const { headers = {}, fetch: send = fetch, random = Math.random } = options;
  const base = options.url.replace(/\/+$/, '');
  return {
    random,
    request: (path, init = {}) =>
      send(`${base}${path}`, {
        ...init,
        headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
      }),
  };
}
