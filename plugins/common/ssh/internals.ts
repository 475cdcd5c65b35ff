import type { Client, ClientChannel } from "ssh2";

/** What is used of ssh2 1.17 beyond its public interface; tests hold it to this. */
interface Internals {
  readonly _protocol: {
    env(channel: number, name: string, value: string | Buffer, wantReply: boolean): void;
    exec(channel: number, command: string, wantReply: boolean): void;
    signal(channel: number, name: string): void;
  };
  readonly _chanMgr: { readonly _channels: Readonly<Record<string, Channel | true>> };
}

interface Channel {
  readonly outgoing?: { readonly id: number; readonly state: string };
  /** Answers come in the order of the questions. */
  readonly _callbacks?: ((failed: boolean | Error) => void)[];
  close(): void;
}

/** Told of a refusal; an error it returns keeps the command from starting. */
export type OnRefused = () => Error | undefined;

type Answering = Buffer & { onRefused?: OnRefused };

/** The value of a variable, with whom to tell when the server refuses it. */
export function answering(value: string, onRefused: OnRefused): Buffer {
  return Object.assign(Buffer.from(value), { onRefused });
}

/** What a channel still waits for before its command may start. */
interface Waiting {
  unanswered: number;
  error?: Error | undefined;
  start?: () => void;
}

/**
 * ssh2 sends environment variables without asking whether the server takes them, and servers
 * take hardly any: a command would run without them and nobody would know. This makes a client
 * ask, and hold the command back until it knows. Variables that are not `answering` go out as
 * ever. For a client that is connected.
 */
export function askForEnv(client: Client): void {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Internals;
  const sendEnv = protocol.env.bind(protocol);
  const sendExec = protocol.exec.bind(protocol);
  const waitingOf = new Map<number, Waiting>();

  const channelOf = (id: number): Channel | undefined =>
    Object.values(channels._channels).find(
      (channel): channel is Channel => channel !== true && channel.outgoing?.id === id,
    );

  protocol.env = (id, name, value: string | Answering, wantReply) => {
    const onRefused = typeof value === "string" ? undefined : value.onRefused;
    const callbacks = channelOf(id)?._callbacks;
    if (onRefused === undefined || callbacks === undefined) {
      sendEnv(id, name, value, wantReply);
      return;
    }
    const waiting = waitingOf.get(id) ?? { unanswered: 0 };
    waitingOf.set(id, waiting);
    waiting.unanswered++;
    callbacks.push((failed) => {
      if (failed === true) waiting.error ??= onRefused();
      waiting.unanswered--;
      if (waiting.unanswered === 0) waiting.start?.();
    });
    sendEnv(id, name, value, true);
  };

  protocol.exec = (id, command, wantReply) => {
    const waiting = waitingOf.get(id);
    if (waiting === undefined) {
      sendExec(id, command, wantReply);
      return;
    }
    waiting.start = () => {
      waitingOf.delete(id);
      if (waiting.error === undefined) {
        sendExec(id, command, wantReply);
        return;
      }
      // What is left in the queue is the callback that waits for the command's own answer.
      const channel = channelOf(id);
      channel?._callbacks?.shift()?.(waiting.error);
      channel?.close();
    };
  };
}

/**
 * Sends a signal to a command, also when its standard input has ended: ssh2's own method does
 * nothing then, though the protocol allows it.
 */
export function sendSignal(client: Client, channel: ClientChannel, name: string): void {
  const { outgoing } = channel as unknown as Channel;
  if (outgoing?.state !== "open" && outgoing?.state !== "eof") return;
  (client as unknown as Internals)._protocol.signal(outgoing.id, name);
}
