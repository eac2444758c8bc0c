/** ApiVersions: what is spoken here, in which versions. */

import { apiNames, SERVED } from "../codec/api-keys.ts";
import { API_TABLES, type ApiName } from "../codec/generated/apis.ts";
import { ERROR } from "../error-codes.ts";
import type { KafkaBroker } from "../kafka-broker.ts";
import type { Answer, Handler, Handlers } from "./handler.ts";

/** Level 2 of transactions: their end raises the epoch, and batches join them (KIP-890). */
const FEATURES = [{ name: "transaction.version", level: 2 }];

/** What clients may call themselves (KIP-511). */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;
/** From this version on they say what they are. */
const NAMES_SOFTWARE = 3;

/** Only what has a handler is told, so a client takes another way before it meets a refusal. */
export function createApiVersions(
  { engine }: KafkaBroker,
  handlers: () => Handlers,
): Handler<"ApiVersions"> {
  const { log } = engine.environment;
  return (request, { version, clientId, clientHost }) => {
    const { clientSoftwareName: software, clientSoftwareVersion: softwareVersion } = request;
    if (version >= NAMES_SOFTWARE) {
      if (![software, softwareVersion].every((text) => SOFTWARE.test(text))) {
        return { errorCode: ERROR.INVALID_REQUEST };
      }
      log.debug({ clientId, clientHost, software, softwareVersion }, "a Kafka client came in");
    }
    return {
      errorCode: ERROR.NONE,
      apiKeys: described(handlers()),
      supportedFeatures: FEATURES.map(({ name, level }) => ({
        name,
        minVersion: 0,
        maxVersion: level,
      })),
      finalizedFeaturesEpoch: 0,
      finalizedFeatures: FEATURES.map(({ name, level }) => ({
        name,
        minVersionLevel: level,
        maxVersionLevel: level,
      })),
    };
  };
}

/** For a request in a version that is not known: version 0, in which every client can read it. */
export function unsupportedVersion(handlers: Handlers): Answer<"ApiVersions"> {
  return { errorCode: ERROR.UNSUPPORTED_VERSION, apiKeys: described(handlers) };
}

function described(
  handlers: Handlers,
): { apiKey: number; minVersion: number; maxVersion: number }[] {
  const names: readonly ApiName[] = apiNames().filter((name) => handlers[name] !== undefined);
  return names.map((name) => {
    const { min, max, advertisedMin = min } = SERVED[name];
    return { apiKey: API_TABLES[name].key, minVersion: advertisedMin, maxVersion: max };
  });
}
