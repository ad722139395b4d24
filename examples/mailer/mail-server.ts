import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A real SMTP server on loopback that counts by itself what it took and what it refused. */
export interface MailServer {
  readonly port: number;
  /** How often each Message-ID was accepted. */
  readonly accepted: ReadonlyMap<string, number>;
  /** Addresses refused for good (550). */
  readonly refusedForGood: ReadonlySet<string>;
  /** Refusals for now (421). */
  readonly refusedForNow: number;
  /** Calls back after each accepted message. */
  onAccepted(listener: () => void): void;
  close(): Promise<void>;
}

/** An SMTP answer other than OK. */
class Refusal extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, message: string) {
    super(message);
    this.responseCode = responseCode;
  }
}

/**
 * `…@gone.example` is refused for good. `…@busy.example` is refused for now the first time, and
 * accepted after that. Everybody else is accepted.
 */
export async function startMailServer(): Promise<MailServer> {
  const accepted = new Map<string, number>();
  const refusedForGood = new Set<string>();
  const seenBusy = new Set<string>();
  const listeners: (() => void)[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onRcptTo({ address }, _session, callback) {
      if (address.endsWith('@gone.example')) {
        refusedForGood.add(address);
        callback(new Refusal(550, 'No such mailbox'));
      } else if (address.endsWith('@busy.example') && !seenBusy.has(address)) {
        seenBusy.add(address);
        callback(new Refusal(421, 'Too busy, try again'));
      } else {
        callback();
      }
    },
    onData(stream, _session, callback) {
      let text = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () => {
        const id = /^message-id:\s*<([^@>]+)@/im.exec(text)?.[1] ?? 'none';
        accepted.set(id, (accepted.get(id) ?? 0) + 1);
        callback();
        for (const listener of listeners) listener();
      });
    },
  });
  // Clients that are killed cut their connections; that is part of the example.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.server.address() as AddressInfo).port,
    accepted,
    refusedForGood,
    get refusedForNow() {
      return seenBusy.size;
    },
    onAccepted: (listener) => listeners.push(listener),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  };
}
