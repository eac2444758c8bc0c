/**
 * A sign-in by user and password, for all doors: from the configuration, from variables of the
 * environment, or from a file.
 *
 * Of a password only what SCRAM needs is kept (RFC 5802): a salt and two keys that do not give it back.
 * A password that is sent in the clear, over TLS, is put through the same derivation and compared in
 * constant time; so is one for a user who does not exist, so that both take as long.
 */

import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Principal, ScramCredentials, ScramMechanism, SignIn } from "../../broker/sign-in.ts";
import { MillraceError } from "../../model/errors.ts";
import { fail, integer, listOf, shape, text, type Check } from "../settings/settings.ts";

export interface PasswordUser {
  /** Not for a file: there keep what `scramCredentials` makes of it. */
  readonly password?: string | undefined;
  readonly credentials?: StoredCredentials;
  readonly roles?: readonly string[];
}

/** What is kept of a password for each mechanism, fit for JSON: keys and salt are in base64. */
export type StoredCredentials = Readonly<Record<ScramMechanism, StoredCredential>>;

export interface StoredCredential {
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

export type PasswordUsers = Readonly<Record<string, PasswordUser>>;

const HASHES = { "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512" } as const;
const DIGEST_BYTES = { sha256: 32, sha512: 64 } as const;
const SALT_BYTES = 16;
/** The least that Kafka's clients accept. */
const ITERATIONS_MIN = 4_096;
const ITERATIONS_MAX = 1_000_000;

const credentialShape = shape(
  {
    salt: text,
    iterations: integer(ITERATIONS_MIN, ITERATIONS_MAX),
    storedKey: text,
    serverKey: text,
  },
  ["salt", "iterations", "storedKey", "serverKey"],
);
const userShape = shape({
  password: text,
  credentials: shape({ "SCRAM-SHA-256": credentialShape, "SCRAM-SHA-512": credentialShape }, [
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
  ]),
  roles: listOf(text),
});

/**
 * Lets in whom `users` names: a table, or the path of a JSON file with one, which is read now.
 *
 * Throws BAD_CONFIG for a user without a password, as when a variable of the environment is not set,
 * and for a file that cannot be read; no text of it holds a password.
 */
export function passwords({ users }: { readonly users: PasswordUsers | string }): SignIn {
  const known = new Map(Object.entries(typeof users === "string" ? usersIn(users) : users));
  for (const [name, user] of known) checkUser(user, `users.${name}`);
  const derived = new Map<ScramMechanism, Promise<ReadonlyMap<string, ScramCredentials>>>();
  // All at the first need of a mechanism, so that how long it takes tells nothing of one user.
  const all = (mechanism: ScramMechanism): Promise<ReadonlyMap<string, ScramCredentials>> => {
    const found = derived.get(mechanism) ?? credentialsFor(known, mechanism);
    derived.set(mechanism, found);
    return found;
  };
  const nobody = {
    salt: randomBytes(SALT_BYTES),
    iterations: ITERATIONS_MIN,
    storedKey: randomBytes(32),
  };

  const byPassword: (facts: Parameters<SignIn>[0]) => Promise<Principal | undefined> = async ({
    user,
    password,
  }) => {
    if (user === undefined || password === undefined) return undefined;
    const found = (await all("SCRAM-SHA-256")).get(user);
    const { salt, iterations, storedKey } = found ?? nobody;
    const given = await derive("SCRAM-SHA-256", password, { salt, iterations });
    return timingSafeEqual(given.storedKey, storedKey) ? found?.principal : undefined;
  };
  const credentialsOf = async (
    user: string,
    mechanism: ScramMechanism,
  ): Promise<ScramCredentials | undefined> => (await all(mechanism)).get(user);
  return Object.assign(byPassword, { credentialsOf });
}

/** What to keep of a password, in a file for `passwords` or in a directory of one's own. */
export async function scramCredentials(
  password: string,
  { iterations = ITERATIONS_MIN }: { readonly iterations?: number } = {},
): Promise<StoredCredentials> {
  integer(ITERATIONS_MIN, ITERATIONS_MAX)(iterations, "iterations");
  const make = async (mechanism: ScramMechanism): Promise<StoredCredential> => {
    const salt = randomBytes(SALT_BYTES);
    const { storedKey, serverKey } = await derive(mechanism, password, { salt, iterations });
    return {
      salt: salt.toString("base64"),
      iterations,
      storedKey: storedKey.toString("base64"),
      serverKey: serverKey.toString("base64"),
    };
  };
  return {
    "SCRAM-SHA-256": await make("SCRAM-SHA-256"),
    "SCRAM-SHA-512": await make("SCRAM-SHA-512"),
  };
}

async function credentialsFor(
  users: ReadonlyMap<string, PasswordUser>,
  mechanism: ScramMechanism,
): Promise<ReadonlyMap<string, ScramCredentials>> {
  const entries = [...users].map(async ([name, { password = "", credentials, roles }]) => {
    const principal: Principal = { name, ...(roles !== undefined && { roles }) };
    if (credentials !== undefined) {
      const { salt, iterations, storedKey, serverKey } = credentials[mechanism];
      const bytes = (base64: string): Buffer => Buffer.from(base64, "base64");
      const keys = { storedKey: bytes(storedKey), serverKey: bytes(serverKey) };
      return [name, { salt: bytes(salt), iterations, ...keys, principal }] as const;
    }
    const salt = randomBytes(SALT_BYTES);
    const iterations = ITERATIONS_MIN;
    const keys = await derive(mechanism, password, { salt, iterations });
    return [name, { salt, iterations, ...keys, principal }] as const;
  });
  return new Map(await Promise.all(entries));
}

interface DerivedKeys {
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const pbkdf2Async = promisify(pbkdf2);

async function derive(
  mechanism: ScramMechanism,
  password: string,
  { salt, iterations }: { readonly salt: Uint8Array; readonly iterations: number },
): Promise<DerivedKeys> {
  const hash = HASHES[mechanism];
  const salted = await pbkdf2Async(password, salt, iterations, DIGEST_BYTES[hash], hash);
  const keyed = (what: string): Buffer => createHmac(hash, salted).update(what).digest();
  return {
    storedKey: createHash(hash).update(keyed("Client Key")).digest(),
    serverKey: keyed("Server Key"),
  };
}

const checkUser: Check = (user, path) => {
  userShape(user, path);
  const { password, credentials }: PasswordUser = Object(user);
  if ((password === undefined) === (credentials === undefined)) {
    fail(
      path,
      "needs a password or credentials, and not both; if the password comes from the environment, is its variable set?",
    );
  }
  for (const [mechanism, hash] of Object.entries(HASHES)) {
    for (const key of ["storedKey", "serverKey"] as const) {
      const stored = new Map(Object.entries(credentials ?? {})).get(mechanism)?.[key];
      if (stored === undefined || Buffer.from(stored, "base64").length === DIGEST_BYTES[hash])
        continue;
      fail(
        `${path}.credentials.${mechanism}.${key}`,
        "is no key in base64; make it with scramCredentials",
      );
    }
  }
};

function usersIn(path: string): PasswordUsers {
  const refuse = (problem: string, cause: unknown): never => {
    throw new MillraceError("BAD_CONFIG", `the file of users ${path} ${problem}`, {
      // What the parser says of a file quotes it.
      ...(cause instanceof SyntaxError ? {} : { cause }),
      details: { path: "users", file: path },
    });
  };
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return refuse("is no JSON", error);
    return refuse("cannot be read; give its path, or the users themselves", error);
  }
  if (typeof found === "object" && found !== null && !Array.isArray(found)) {
    return Object.fromEntries(Object.entries(found));
  }
  return refuse('must hold an object: { "ann": { "credentials": …, "roles": […] } }', undefined);
}
