import type * as pulumi from "@pulumi/pulumi";

/**
 * A machine that commands can be run on: where it answers, how we get in, and what makes it *this*
 * machine and no other.
 */
export interface ReachableHost {
  /** Logical host name; resources are named after it, never after an address. */
  readonly name: string;
  /** IPv4 address on the switch. */
  readonly address: string;
  /** How to get in. The private key in it is secret. */
  readonly connection: HostConnection;
  /**
   * The pinned SSH host key, and on a virtual lab the container's id: a change of either means that
   * nothing of what was pushed is there any more, so everything is pushed again.
   */
  readonly identity: pulumi.Input<string>[];
  /** What must exist before the host can answer: nothing for a real Pi, its container for a virtual one. */
  readonly readyAfter: pulumi.Resource[];
}

/** The part of an SSH connection that both `@pulumi/command` and our own provider take. */
export interface HostConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** PEM or OpenSSH text; undefined: the agent behind `SSH_AUTH_SOCK` is asked. */
  readonly privateKey: pulumi.Output<string> | undefined;
  /** `ssh-ed25519 AAAA…`; a host that shows another key is not talked to. */
  readonly hostKey: pulumi.Input<string>;
}
