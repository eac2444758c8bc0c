/**
 * Which addresses a webhook may reach. A subscriber chooses the URL, so it may try to make us ask our
 * own network, or the metadata service of the cloud that we run in (server-side request forgery).
 *
 * Refused is what the IANA special-purpose registries do not mark as globally reachable, multicast,
 * and a cloud platform's own address in public space. An IPv6 address that carries an IPv4 one is
 * judged by the tunnel or translation that it stands for: mapped ones by what they carry, the others
 * are refused, because where they lead is decided by a gateway that we do not know.
 */

import { BlockList, isIP, isIPv4 } from "node:net";

type Range = readonly [kind: string, network: string, prefix: number];

const IPV4_REFUSED: readonly Range[] = [
  ["unspecified", "0.0.0.0", 8],
  ["private", "10.0.0.0", 8],
  ["shared by carriers", "100.64.0.0", 10],
  ["loopback", "127.0.0.0", 8],
  ["link-local", "169.254.0.0", 16],
  ["private", "172.16.0.0", 12],
  ["reserved for protocols", "192.0.0.0", 24],
  ["for documentation", "192.0.2.0", 24],
  ["a relay to IPv6", "192.88.99.0", 24],
  ["private", "192.168.0.0", 16],
  ["for benchmarks", "198.18.0.0", 15],
  ["for documentation", "198.51.100.0", 24],
  ["for documentation", "203.0.113.0", 24],
  ["a cloud platform's own", "168.63.129.16", 32],
  ["multicast", "224.0.0.0", 4],
  ["reserved", "240.0.0.0", 4],
];

const IPV6_REFUSED: readonly Range[] = [
  ["unspecified", "::", 128],
  ["loopback", "::1", 128],
  ["a translation to IPv4", "64:ff9b::", 96],
  ["a translation to IPv4", "64:ff9b:1::", 48],
  ["unique local", "fc00::", 7],
  ["link-local", "fe80::", 10],
  ["site-local", "fec0::", 10],
  ["multicast", "ff00::", 8],
  ["reserved for protocols", "2001::", 23],
  ["for documentation", "2001:db8::", 32],
  ["a tunnel to IPv4", "2002::", 16],
  ["for documentation", "3fff::", 20],
];

const ipv4 = IPV4_REFUSED.map(([kind, ...range]) => [kind, listOf([range], "ipv4")] as const);
const ipv6 = IPV6_REFUSED.map(([kind, ...range]) => [kind, listOf([range], "ipv6")] as const);
/** All that is assigned for the public internet today. */
const IPV6_GLOBAL = listOf([["2000::", 3]], "ipv6");
const IPV6_MAPPED = listOf([["::ffff:0:0", 96]], "ipv6");

/** What kind of address it is, where it is one that must not be reached; undefined for a public one. */
export function refusedKind(address: string): string | undefined {
  if (isIPv4(address)) return ipv4.find(([, list]) => list.check(address, "ipv4"))?.[0];
  const [plain = ""] = address.split("%");
  if (isIP(plain) !== 6) return "no address";
  if (IPV6_MAPPED.check(plain, "ipv6")) return refusedKind(carriedIpv4(plain));
  const found = ipv6.find(([, list]) => list.check(plain, "ipv6"));
  if (found !== undefined) return found[0];
  return IPV6_GLOBAL.check(plain, "ipv6") ? undefined : "reserved";
}

/** What the declaration allows beyond public addresses. */
export interface AllowedAddresses {
  /** A host by its name, as it stands in the URL, lower case. */
  hasHost(host: string): boolean;
  hasAddress(address: string): boolean;
}

/** Entries are host names, addresses, and networks such as `10.1.0.0/16`. Undefined where one is none. */
export function allowedAddresses(entries: readonly string[]): AllowedAddresses | undefined {
  const hosts = new Set<string>();
  const addresses = new BlockList();
  for (const entry of entries) {
    const [network = "", prefixText, ...more] = entry.split("/");
    const family = isIP(network);
    const bits = family === 4 ? 32 : 128;
    if (family !== 0) {
      const prefix = prefixText === undefined ? bits : Number(prefixText);
      if (more.length > 0 || !/^\d+$/.test(prefixText ?? "0") || prefix > bits) return undefined;
      addresses.addSubnet(network, prefix, family === 4 ? "ipv4" : "ipv6");
    } else if (HOST_NAME.test(entry)) hosts.add(entry.toLowerCase());
    else return undefined;
  }
  return {
    hasHost: (host) => hosts.has(host),
    hasAddress: (address) => {
      const [plain = ""] = address.split("%");
      const family = isIP(plain);
      return family !== 0 && addresses.check(plain, family === 4 ? "ipv4" : "ipv6");
    },
  };
}

/** With a letter, so that a mistyped address or network is no name. */
const HOST_NAME = /^(?=.*[A-Za-z])[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

function listOf(
  ranges: readonly (readonly [network: string, prefix: number])[],
  family: "ipv4" | "ipv6",
): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
  return list;
}

/** `::ffff:7f00:1` and `::ffff:127.0.0.1` both carry 127.0.0.1. The URL parser knows how to read them. */
function carriedIpv4(mapped: string): string {
  const groups = new URL(`http://[${mapped}]/`).hostname.slice(1, -1).split(":");
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}
