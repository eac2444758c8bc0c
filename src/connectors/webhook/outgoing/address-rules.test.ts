import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedAddresses, refusedKind } from "./address-rules.ts";

const REFUSED: Readonly<Record<string, string>> = {
  "0.0.0.0": "unspecified",
  "0.1.2.3": "unspecified",
  "10.0.0.1": "private",
  "10.255.255.255": "private",
  "100.64.0.1": "shared by carriers",
  "100.127.255.255": "shared by carriers",
  "100.100.100.200": "shared by carriers",
  "127.0.0.1": "loopback",
  "127.255.255.254": "loopback",
  "169.254.169.254": "link-local",
  "172.16.0.1": "private",
  "172.31.255.255": "private",
  "192.0.0.192": "reserved for protocols",
  "192.0.2.1": "for documentation",
  "192.168.1.1": "private",
  "198.18.0.1": "for benchmarks",
  "198.19.255.255": "for benchmarks",
  "198.51.100.7": "for documentation",
  "203.0.113.9": "for documentation",
  "168.63.129.16": "a cloud platform's own",
  "224.0.0.1": "multicast",
  "239.255.255.255": "multicast",
  "240.0.0.1": "reserved",
  "255.255.255.255": "reserved",
  "::": "unspecified",
  "::1": "loopback",
  "::ffff:127.0.0.1": "loopback",
  "::ffff:7f00:1": "loopback",
  "::ffff:a9fe:a9fe": "link-local",
  "0:0:0:0:0:ffff:10.1.2.3": "private",
  "::127.0.0.1": "reserved",
  "64:ff9b::7f00:1": "a translation to IPv4",
  "64:ff9b::8.8.8.8": "a translation to IPv4",
  "64:ff9b:1::1": "a translation to IPv4",
  "100::1": "reserved",
  "fc00::1": "unique local",
  "fd00:ec2::254": "unique local",
  "fe80::1": "link-local",
  "fe80::1%eth0": "link-local",
  "fec0::1": "site-local",
  "ff02::1": "multicast",
  "2001::1": "reserved for protocols",
  "2001:db8::1": "for documentation",
  "2002:7f00:1::": "a tunnel to IPv4",
  "3fff::1": "for documentation",
  "5f00::1": "reserved",
  "": "no address",
  "example.com": "no address",
  "127.1": "no address",
};

test("every special address is refused, in each of its spellings", () => {
  const kinds = Object.fromEntries(
    Object.keys(REFUSED).map((address) => [address, refusedKind(address)]),
  );
  assert.deepEqual(kinds, REFUSED);
});

test("public addresses pass, also at the borders of what is refused", () => {
  const passing = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "::ffff:8.8.8.8",
  ];
  assert.deepEqual(
    passing.filter((address) => refusedKind(address) !== undefined),
    [],
  );
});

test("what is allowed is a host, an address or a network, and nothing beside it", () => {
  const allowed = allowedAddresses(["hooks.internal", "127.0.0.1", "10.1.0.0/16", "fd00::/8"])!;
  assert.equal(allowed.hasHost("hooks.internal"), true);
  assert.equal(allowed.hasHost("other.internal"), false);
  const addresses = ["127.0.0.1", "127.0.0.2", "10.1.255.255", "10.2.0.0", "fd12::1", "fe80::1"];
  assert.deepEqual(
    addresses.map((address) => allowed.hasAddress(address)),
    [true, false, true, false, true, false],
  );
});

test("an entry that is no host, address or network is none", () => {
  for (const entry of ["10.0.0.0/33", "10.0.0", "127.1", "fd00::/x", "a b", "", "10.0.0.0/8/8"]) {
    assert.equal(allowedAddresses([entry]), undefined, entry);
  }
});
