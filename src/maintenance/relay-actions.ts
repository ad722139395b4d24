import { relayFromEnvironment } from '../config/relay-environment.ts';
import type { CommandTarget } from './commands.ts';

interface Flags {
  readonly schema: string | undefined;
}

/**
 * What `daybook relay` does. The relay itself is loaded with the first of its commands.
 * @param targetOf on which database @param failed tells what ended a command that ends with 2
 */
export function relayActions(
  targetOf: (schema: string | undefined) => CommandTarget,
  failed: (error: unknown) => void,
) {
  const commands = () => import('./relay-commands.ts');
  return {
    async status({ schema }: Flags): Promise<void> {
      await (await commands()).runRelayStatus(targetOf(schema));
    },
    async verify({ schema, json = false }: Flags & { json: boolean | undefined }): Promise<void> {
      try {
        const relay = relayFromEnvironment(process.env);
        const { runRelayVerify } = await commands();
        process.exitCode = await runRelayVerify(targetOf(schema), { json, relay });
      } catch (error) {
        failed(error);
        process.exitCode = 2;
      }
    },
    async restart({ schema, from }: Flags & { readonly from: bigint }): Promise<void> {
      await (await commands()).runRelayRestart(targetOf(schema), from);
    },
    async parked({ schema }: Flags): Promise<void> {
      await (await commands()).runRelayParked(targetOf(schema));
    },
    async park(stream: string, { schema, reason }: Flags & { readonly reason: string }) {
      await (await commands()).runRelayPark(targetOf(schema), stream, reason);
    },
    async retry(stream: string | undefined, { schema }: Flags): Promise<void> {
      await (await commands()).runRelayRetry(targetOf(schema), stream);
    },
  };
}
