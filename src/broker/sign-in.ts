/**
 * Who is asking: the one hook for all doors. A door finds out who it is, and lets in nobody whom the
 * hook does not know; what they may do is decided by the rules (`rules.ts`) where the admin API and the
 * broker are entered, the same behind every door.
 */

/** Somebody who was let in. */
export interface Principal {
  /** Unique, and told in logs as the one who did it. */
  readonly name: string;
  readonly roles?: readonly string[];
}

/** What a caller presented; whatever comes of it comes from a stranger. */
export interface SignInFacts {
  readonly door: "http" | "kafka" | "amqp";
  /** A bearer token, where one was sent. */
  readonly token?: string;
  /** User and password, where they were sent. */
  readonly user?: string;
  readonly password?: string;
  /** HTTP: a header by its lower-case name. */
  readonly header?: (name: string) => string | undefined;
}

export interface SignIn {
  /**
   * Answers who it is, or undefined for nobody, which refuses. What it throws is a defect: nobody is
   * let in, and the log tells why. It should compare secrets in constant time.
   */
  (facts: SignInFacts): Promise<Principal | undefined>;
  /**
   * What SCRAM needs to let somebody in who never sends the password; undefined where there is no such
   * user. A hook without it offers PLAIN alone.
   */
  readonly credentialsOf?: (
    user: string,
    mechanism: ScramMechanism,
  ) => Promise<ScramCredentials | undefined>;
}

export type ScramMechanism = "SCRAM-SHA-256" | "SCRAM-SHA-512";

/** What is kept of a password (RFC 5802, section 3): enough to check a proof, not to make one. */
export interface ScramCredentials {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
  /** Who it is that has proved to know the password; the user's name without roles unless said. */
  readonly principal?: Principal;
}

/**
 * What a hook answered, whole. Throws a TypeError, a defect of the hook, for a name that is no text and
 * for roles that are no list of texts: claims of tokens are often one text, and looked into as a list
 * `administrator` would have the role `admin`.
 */
export function checkPrincipal(answered: Principal): Principal {
  const { name, roles = [] }: { readonly name: unknown; readonly roles?: unknown } = answered;
  if (typeof name !== "string" || name === "") {
    throw new TypeError("the sign-in hook answered with somebody without a name");
  }
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === "string")) {
    throw new TypeError(
      `the sign-in hook answered with roles of "${name}" that are no list of texts`,
    );
  }
  return answered;
}
