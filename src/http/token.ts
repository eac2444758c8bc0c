/** The token of the HTTP door: one random secret for each start, unless the program sets its own. */

import { MillraceError } from "../model/errors.ts";
import type { Random } from "../model/ids.ts";

const TOKEN_BYTES = 24;
/** A shorter one could be guessed. */
const TOKEN_CHARACTERS_MIN = 16;

export function createToken(random: Random): string {
  return Buffer.from(random.bytes(TOKEN_BYTES)).toString("base64url");
}

/** Throws BAD_CONFIG for a token that could be guessed, or that no header can carry. */
export function checkToken(token: string): string {
  if (token.length >= TOKEN_CHARACTERS_MIN && /^[!-~]+$/.test(token)) return token;
  throw new MillraceError(
    "BAD_CONFIG",
    `the token has ${token.length} characters; it needs at least ${TOKEN_CHARACTERS_MIN}, none of them a space: ` +
      "leave it out for a random one, or make one with: openssl rand -base64 24",
    { details: { key: "token", charactersMin: TOKEN_CHARACTERS_MIN } },
  );
}
