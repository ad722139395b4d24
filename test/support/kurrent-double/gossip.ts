import gossipPb from '@eventstore/db-client/generated/gossip_pb.js';
import { randomUUID } from 'node:crypto';
import { createStoredEvents, type StoredEvents } from './stored-events.ts';
import { uuidOf } from './wire.ts';

/** What the nodes of a cluster have in common: as if each event were replicated at once. */
export interface Nodes {
  readonly events: StoredEvents;
  /** The ports of those that live. */
  readonly alive: Set<number>;
  /** The port of the leader. */
  leader: number | undefined;
}

export function createNodes(): Nodes {
  return { events: createStoredEvents(), alive: new Set(), leader: undefined };
}

/** Who is in the cluster, as clients with several addresses ask for it; a node alone is its own leader. */
export function createGossip(nodes: Nodes | undefined, port: () => number) {
  const { LEADER, FOLLOWER } = gossipPb.MemberInfo.VNodeState;
  return {
    read(_call: unknown, done: (error: null, answer: gossipPb.ClusterInfo) => void) {
      const info = new gossipPb.ClusterInfo();
      for (const each of nodes?.alive ?? [port()]) {
        const address = new gossipPb.EndPoint();
        address.setAddress('127.0.0.1');
        address.setPort(each);
        const member = new gossipPb.MemberInfo();
        member.setInstanceId(uuidOf(randomUUID()));
        member.setTimeStamp('0');
        member.setState(each === (nodes?.leader ?? port()) ? LEADER : FOLLOWER);
        member.setIsAlive(true);
        member.setHttpEndPoint(address);
        info.addMembers(member);
      }
      done(null, info);
    },
  };
}
