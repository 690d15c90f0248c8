/** What doctor says in good surroundings, and in bad ones: each is the good one with one thing spoiled. */
import { assertEquals } from "@std/assert";
import type { SiteFlight } from "../../lib/faketls/site_flight.ts";
import type { SiteCertificate } from "../../lib/net/site_visit.ts";
import { complaints, goodFlight, goodVisit, groupsOf, never, nowMs, show, type Spoiled, way } from "./fake_world.ts";

Deno.test("doctor has nothing to complain about where all is well", async () => {
  const groups = await groupsOf();
  assertEquals(complaints(groups), []);
  const titles = groups.map(({ id, title, checks }) => `${id}: ${title} (${checks.length})`);
  assertEquals(titles, [
    "config: Configuration (2)",
    "clock: Clock (1)",
    "telegram-direct: Telegram, directly (6)",
    "front: Fronted site, 192.0.2.80:443 (7)",
    "names: Names and addresses (3)",
    "port: Port (3)",
    "limits: Limits of the system (6)",
  ]);
  assertEquals(groups.flatMap(({ checks }) => checks.map(show)).slice(0, 4), [
    "valid good: config.toml can be used: every key is known, and every value is right",
    "secret good: the secret is for fake TLS: it looks like HTTPS to example.com",
    "offset good: the clock is 0.012 s behind that of 192.0.2.123 and time.example",
    "dc-1 good: data centre 1: [2001:b28:f23d:f001::a]:443 12 ms; 149.154.175.50:443 12 ms",
  ]);
});

interface Case {
  readonly name: string;
  readonly spoiled?: Spoiled;
  /** In the configuration. */
  readonly lines?: readonly string[];
  readonly expected: readonly string[];
}

function judged(cases: readonly Case[]): void {
  for (const { name, spoiled, lines, expected } of cases) {
    Deno.test(`doctor complains: ${name}`, async () => {
      assertEquals(complaints(await groupsOf(spoiled, lines)), expected);
    });
  }
}

const setClock = "let the system keep it: `timedatectl set-ntp true`, or install chrony; then look again";

judged([
  {
    name: "a deprecated key",
    lines: ["domain-fronting.ip = ", 'domain-fronting-ip = "192.0.2.80"'],
    expected: [
      'config/deprecated-1 warning: config.toml:11:1: domain-fronting-ip is deprecated: use domain-fronting.ip, here "192.0.2.80"' +
      " → rename it: a later version may refuse it",
    ],
  },
  {
    name: "a secret that is not for fake TLS, and no site",
    lines: ['secret = "dd00112233445566778899aabbccddeeff"', "domain-fronting.ip = "],
    expected: [
      'config/secret warning: the secret is of the kind "secured", whose traffic looks like nothing in particular: many ' +
      'censors block that → make one for fake TLS with "mtg generate-secret www.example.com"',
      "front/site note: no site is fronted: strangers get no answer at all, which is a sign of its own → set host or ip in " +
      "[domain-fronting], or make a secret for fake TLS",
    ],
  },
  {
    name: "a clock that is 90 s ahead",
    spoiled: { askTime: () => Promise.resolve({ aheadMs: 90_000 }) },
    expected: [
      "clock/offset bad: the clock is 90 s ahead of that of 192.0.2.123 and time.example, which leaves clients 30 s of the " +
      `120 s that are tolerated → ${setClock}`,
    ],
  },
  {
    name: "a clock that is 40 s behind",
    spoiled: { askTime: () => Promise.resolve({ aheadMs: -40_000 }) },
    expected: [
      "clock/offset warning: the clock is 40 s behind that of 192.0.2.123 and time.example, which leaves clients 80 s of the " +
      `120 s that are tolerated → ${setClock}`,
    ],
  },
  {
    name: "a clock that is an hour behind by the fronted site, where time servers are silent",
    spoiled: { askTime: never, askSiteDate: () => Promise.resolve({ aheadMs: -3_600_000 }) },
    expected: [
      "clock/silent-servers note: no time from 192.0.2.123: no answer within 4 s; time.example: no answer within 4 s → " +
      "nothing, if the clock is right below",
      "clock/offset bad: the clock is 3600 s behind that of the fronted site (its Date header), and 120 s are tolerated: " +
      `every client is taken for a stranger → ${setClock}`,
    ],
  },
  {
    name: "nobody who tells the time",
    spoiled: {
      askTime: () => Promise.reject(new Error("it does not want to be asked (RATE)")),
      askSiteDate: () => Promise.resolve(undefined),
      ways: [],
    },
    expected: [
      "clock/silent-servers note: no time from 192.0.2.123: it does not want to be asked (RATE); time.example: it does not " +
      "want to be asked (RATE) → nothing, if the clock is right below",
      "clock/offset warning: nobody told the time: no time server answers over UDP, nor does another site, nor Telegram → " +
      "compare `date -u` with a clock that you trust",
    ],
  },
  {
    name: "nothing where only one family leads to a time server, and only two of its addresses are asked",
    spoiled: {
      names: { "time.example": ["2001:db8::1", "2001:db8::2", "192.0.2.124", "192.0.2.125"] },
      askTime: (host) =>
        host === "192.0.2.123" || host === "192.0.2.124"
          ? Promise.resolve({ aheadMs: 1 })
          : host === "2001:db8::1"
          ? never()
          : Promise.resolve({ aheadMs: 3_600_000 }),
    },
    expected: [],
  },
  {
    name: "a clock that is wrong by Telegram, where the site is on this machine and goes by the same clock",
    lines: ["ntp-servers = []", 'domain-fronting.ip = "127.0.0.1"', "domain-fronting.port = 8443"],
    spoiled: {
      touch: (address) => Promise.resolve({ local: { kind: "tcp", host: "127.0.0.1", port: 5 }, remote: address }),
      askSiteDate: () => Promise.resolve({ aheadMs: 0 }),
      ways: [way({ ask: () => Promise.resolve({ rttMs: 12, aheadMs: -100_000 }) })],
    },
    expected: [
      "clock/offset bad: the clock is 100 s behind that of Telegram, which leaves clients 20 s of the 120 s that are " +
      `tolerated → ${setClock}`,
    ],
  },
  {
    name: "time servers that disagree",
    spoiled: { askTime: (host) => Promise.resolve({ aheadMs: host === "192.0.2.123" ? 0 : 60_000 }) },
    expected: [
      "clock/offset warning: 192.0.2.123 and time.example are 60 s apart: one of them is wrong → name others in ntp-servers",
    ],
  },
]);

const letPass =
  "let your firewall pass outgoing TCP to port 443; if the country blocks Telegram, run the proxy elsewhere " +
  "or name a SOCKS5 proxy in network.proxies";
const mend =
  "see to it that the SOCKS5 proxy runs, lets this server in and reaches Telegram, or take it out of network.proxies";
const isIpv6 = (address: string) => address.startsWith("[");

judged([
  {
    name: "a data centre that closes",
    spoiled: {
      ways: [
        way({ refuse: (address) => address.includes("149.154.171.5") || /f005/.test(address) ? "closed" : undefined }),
      ],
    },
    expected: [
      "telegram-direct/dc-5 bad: data centre 5, 2 addresses: closed → " + letPass,
    ],
  },
  {
    name: "one address of several",
    spoiled: {
      ways: [way({ refuse: (address) => address === "95.161.76.100:443" ? `${address}: refused` : undefined })],
    },
    expected: [
      "telegram-direct/dc-2 warning: data centre 2: [2001:67c:4e8:f002::a]:443 12 ms; 149.154.167.51:443 12 ms; " +
      "95.161.76.100:443 refused → nothing at first: the proxy takes the addresses that answer; look again in an hour",
    ],
  },
  {
    name: "no IPv6",
    spoiled: { ways: [way({ refuse: (address) => isIpv6(address) ? "unreachable" : undefined })] },
    expected: [
      "telegram-direct/ipv6 note: no data centre answers over IPv6, all is done over IPv4 → set prefer-ip = " +
      '"only-ipv4": it saves new clients a quarter of a second now and then',
    ],
  },
  {
    name: "Telegram blocked, but for a SOCKS proxy",
    lines: ['network.proxies = ["socks5://user:hunter2@198.51.100.1:1080"]', 'prefer-ip = "only-ipv4"'],
    spoiled: {
      ways: [
        way({ isUsed: false, refuse: (address) => address === "95.161.76.100:443" ? "refused" : "reset" }),
        way({ label: "through socks5 198.51.100.1:1080", isDirect: false }),
      ],
    },
    expected: [
      ["1", "149.154.175.50:443 reset"],
      ["2", "149.154.167.51:443 reset; 95.161.76.100:443 refused"],
      ["3", "149.154.175.100:443 reset"],
      ["4", "149.154.167.91:443 reset"],
      ["5", "149.154.171.5:443 reset"],
      ["203", "91.105.192.100:443 reset"],
    ].map(([dc, seen]) =>
      `telegram-direct/dc-${dc} note: data centre ${dc}: ${seen} → nothing: clients do not go this way`
    ),
  },
  {
    name: "a SOCKS proxy that is down, and data centres of our own",
    lines: ['dc-overrides = { "7" = ["127.0.0.1:8443"] }', 'prefer-ip = "only-ipv6"'],
    spoiled: {
      ways: [
        way(),
        way({
          label: "through socks5 [::1]:1080",
          isDirect: false,
          refuse: () => "the proxy cannot be reached (os error 101)",
        }),
      ],
    },
    expected: [
      "telegram-direct/dc-7 bad: data centre 7 has no address of the kind that prefer-ip allows → change prefer-ip",
      ...[
        ["1", "[2001:b28:f23d:f001::a]"],
        ["2", "[2001:67c:4e8:f002::a]"],
        ["3", "[2001:b28:f23d:f003::a]"],
        ["4", "[2001:67c:4e8:f004::a]"],
        ["5", "[2001:b28:f23f:f005::a]"],
        ["203", "[2a0a:f280:203:a:5000::100]"],
      ].map(([dc, host]) =>
        `telegram-proxy-1/dc-${dc} bad: data centre ${dc}: ${host}:443 the proxy cannot be reached → ${mend}`
      ),
      "telegram-proxy-1/dc-7 bad: data centre 7 has no address of the kind that prefer-ip allows → change prefer-ip",
    ],
  },
]);

const anotherSite = "take another site, or another web server for it";
const front = (flight: SiteFlight | undefined): Spoiled => ({ watchSite: () => Promise.resolve(flight) });
const helloWith = (hello: Partial<typeof goodFlight.hello>): Spoiled =>
  front({ ...goodFlight, hello: { ...goodFlight.hello, ...hello } });
const flightOf = (...sizes: readonly number[]): Spoiled =>
  front({ ...goodFlight, records: [{ type: 0x14, size: 1 }, ...sizes.map((size) => ({ type: 0x17, size }))] });
const certificate = (parts: Partial<SiteCertificate>): Spoiled => ({
  visitSite: () => Promise.resolve({ ...goodVisit, certificate: { ...goodVisit.certificate, ...parts } }),
});

judged([
  {
    name: "a front that is down",
    spoiled: { touch: () => Promise.reject(new Error("Connection refused")) },
    expected: [
      "front/reachable bad: 192.0.2.80:443: Connection refused → start it, correct host, ip and port in [domain-fronting], " +
      "and let your firewall pass it: until then strangers are closed, which gives the proxy away",
    ],
  },
  {
    name: "a front whose name is not found",
    lines: ["domain-fronting.ip = ", 'domain-fronting.host = "gone.example"'],
    expected: [
      "front/reachable bad: it has no address: gone.example has no address → correct the name, or set ip in [domain-fronting]",
    ],
  },
  {
    name: "a front of which one address is dead",
    lines: ["domain-fronting.ip = ", 'domain-fronting.host = "www.example"'],
    spoiled: {
      names: { "www.example": ["192.0.2.81", "2001:db8::81"] },
      touch: (address) =>
        address.kind === "tcp" && address.host === "2001:db8::81"
          ? Promise.reject(new Error("no route"))
          : Promise.resolve({ local: { kind: "tcp", host: "203.0.113.7", port: 50_000 }, remote: address }),
    },
    expected: [
      "front/reachable warning: [2001:db8::81]:443: no route; 192.0.2.81:443 takes connections → correct its DNS records, " +
      "or set ip in [domain-fronting] to an address that works",
    ],
  },
  {
    name: "a front that is the proxy itself, by its public address",
    lines: ["domain-fronting.ip = "],
    expected: [
      "front/loop bad: [2001:db8::7]:443 and 203.0.113.7:443 is this proxy itself: strangers are closed → say where the " +
      "site really is, by ip and port in [domain-fronting]",
    ],
  },
  {
    name: "a front that is the proxy itself, on loopback, though it does not run",
    lines: ['domain-fronting.ip = "127.0.0.1"'],
    spoiled: {
      touch: () => Promise.reject(new Error("Connection refused")),
      whoAnswers: () => Promise.reject(new Error("Connection refused")),
    },
    expected: [
      "front/reachable bad: 127.0.0.1:443: Connection refused → start it, correct host, ip and port in [domain-fronting], " +
      "and let your firewall pass it: until then strangers are closed, which gives the proxy away",
      "front/loop bad: 127.0.0.1:443 is this proxy itself: strangers are closed → say where the site really is, by ip and " +
      "port in [domain-fronting]",
      "port/listener-0.0.0.0:443 note: the proxy does not run here: nothing answers on 0.0.0.0:443 → start it, then look again",
      "port/public note: not running here, so not looked at: whether its port can be reached from outside",
    ],
  },
  {
    name: "a front that speaks no TLS",
    spoiled: { ...front({ kind: "not-tls" }), visitSite: () => Promise.reject(new Error("wrong version number")) },
    expected: [
      "front/tls bad: it does not speak TLS: the proxy pretends to be a site that does → front the site's HTTPS port",
      `front/certificate bad: a TLS handshake with it fails: wrong version number → ${anotherSite}`,
    ],
  },
  {
    name: "a front that refuses the hello",
    spoiled: front({ kind: "alert", code: 40 }),
    expected: [`front/tls bad: it refuses the hello of a Telegram client with TLS alert 40 → ${anotherSite}`],
  },
  {
    name: "a front that hangs up at the hello",
    spoiled: front(undefined),
    expected: [`front/tls bad: it hangs up at the hello of a Telegram client → ${anotherSite}`],
  },
  {
    name: "a front with TLS 1.2",
    spoiled: helloWith({ version: 0x0303, group: undefined }),
    expected: [
      "front/tls bad: it does not speak TLS 1.3, which is what the proxy's own answers look like: anyone sees the " +
      "difference → switch TLS 1.3 on at the site, or take another one",
    ],
  },
  {
    name: "a front that asks for another hello",
    spoiled: helloWith({ isRetry: true, group: 0x17 }),
    expected: [
      "front/retry warning: it asks for another hello first (HelloRetryRequest, secp256r1), which the proxy never does → " +
      anotherSite,
    ],
  },
  {
    name: "a front without post-quantum key exchange",
    spoiled: helloWith({ group: 0x1d }),
    expected: [
      "front/group warning: it takes x25519, though clients offer the post-quantum X25519MLKEM768: censors have blocked by " +
      "that → let it run on OpenSSL 3.5 or later, or on Caddy",
    ],
  },
  {
    name: "a front that sends several records",
    spoiled: flightOf(27, 2_500, 281, 53),
    expected: [
      "front/flight warning: it sends its encrypted flight as 4 records of 27, 2,500, 281 and 53 bytes; the proxy can send " +
      "only one → prefer a site on BoringSSL or rustls, which send one; OpenSSL and Go send several",
    ],
  },
  {
    name: "a front whose flight is too long for iOS",
    spoiled: flightOf(10_241),
    expected: [
      "front/flight warning: its encrypted flight has 10,241 bytes, and Telegram for iOS takes 10,240 → prefer a site with " +
      "a shorter certificate chain",
    ],
  },
  {
    name: "a front with a certificate for another name",
    spoiled: certificate({ fitsName: false, isTrusted: false, names: ["other.example", "*.other.example"] }),
    expected: [
      "front/certificate bad: its certificate is for other.example and *.other.example, not for example.com → make a " +
      "secret for a name of the site",
    ],
  },
  {
    name: "a front with an expired certificate",
    spoiled: certificate({ validToMs: nowMs - 86_400_000, isTrusted: false }),
    expected: ["front/certificate bad: its certificate has expired on 2026-11-23 → renew it"],
  },
  {
    name: "a front whose certificate is about to expire",
    spoiled: certificate({ validToMs: nowMs + 5 * 86_400_000 }),
    expected: [
      "front/certificate warning: its certificate for example.com expires on 2026-11-29 → see to its renewal",
    ],
  },
  {
    name: "a front with a certificate that it made itself",
    spoiled: certificate({ isTrusted: false }),
    expected: [
      "front/certificate bad: its certificate is by no authority that browsers trust → get one from Let's Encrypt, for instance",
    ],
  },
  {
    name: "a front without an application protocol",
    spoiled: { visitSite: () => Promise.resolve({ ...goodVisit, protocol: undefined }) },
    expected: [
      `front/protocol warning: it agrees on no application protocol; most sites speak h2 or http/1.1 → ${anotherSite}`,
    ],
  },
]);

const ownName = "make a secret for a name of yours that leads here, with a web site behind it";
const watched = "who watches sees a name that does not belong to this server";
const noOwn = "public-ipv4 = ";

judged([
  {
    name: "a secret for the name of somebody else",
    lines: ["public-host = "],
    spoiled: { names: { "example.com": ["192.0.2.200"] } },
    expected: [
      `names/server-name warning: example.com, the host of the secret, leads to 192.0.2.200, not to this server: ${watched} → ${ownName}`,
    ],
  },
  {
    name: "a name that leaves one family out",
    lines: ["public-host = "],
    spoiled: { names: { "example.com": ["203.0.113.7"] } },
    expected: [
      "names/server-name warning: example.com, the host of the secret, leads to 203.0.113.7, which leaves out 2001:db8::7 " +
      "of this server → add that address to its DNS records",
    ],
  },
  {
    name: "an AAAA record where the server has no IPv6",
    lines: ["public-host = ", "public-ipv6 = "],
    spoiled: { publicAddresses: () => Promise.resolve({ ipv4: "203.0.113.99", ipv6: undefined }) },
    expected: [
      "names/server-name warning: example.com, the host of the secret, leads here and also to 2001:db8::7 → take addresses " +
      "that are not this server's out of its DNS records: some apps try them first",
    ],
  },
  {
    name: "names that are not found",
    lines: ['public-host = "gone.example"'],
    spoiled: { names: { "example.com": [] } },
    expected: [
      `names/server-name warning: example.com, the host of the secret, is not found: example.com has no address; ${watched} → ${ownName}`,
      "names/public-host bad: gone.example, to which links lead, is not found: gone.example has no address → correct " +
      "public-host or its DNS records",
    ],
  },
  {
    name: "links to another machine",
    lines: ['public-host = "lb.example"'],
    spoiled: { names: { "lb.example": ["192.0.2.99", "203.0.113.7"] } },
    expected: [
      "names/public-host warning: lb.example, to which links lead, is also 192.0.2.99, which is not this server as the " +
      "world sees it → correct its DNS records, unless a load balancer or another way in stands there",
    ],
  },
  {
    name: "a server that nobody can tell its address",
    lines: [noOwn, "public-ipv6 = "],
    spoiled: { publicAddresses: never },
    expected: [
      "names/public-address note: this server's public address is not known: nobody who was asked told it → set " +
      "public-ipv4 or public-ipv6, so that names can be compared with it",
      "names/server-name note: example.com, the host of the secret, leads to 203.0.113.7 and 2001:db8::7: nothing to compare with",
      "names/public-host note: example.com, to which links lead, is 203.0.113.7 and 2001:db8::7: nothing to compare with",
      "port/public note: its port was not looked at from outside: this server's public address is not known → try a link on " +
      "a phone without Wi-Fi",
    ],
  },
  {
    name: "another program on the proxy's port",
    spoiled: { whoAnswers: () => Promise.resolve("other") },
    expected: [
      "port/listener-0.0.0.0:443 bad: what answers on 0.0.0.0:443 does not know the secret: another program, or the proxy " +
      "with another configuration → stop that program or change bind-to; if it is the proxy, start it anew",
      "port/public note: not running here, so not looked at: whether its port can be reached from outside",
    ],
  },
  {
    name: "nothing on all interfaces of IPv6, where there is no IPv6 and the proxy runs",
    lines: ['bind-to = ":443"'],
    spoiled: {
      whoAnswers: (address) =>
        address.kind === "tcp" && address.host === "::1"
          ? Promise.reject(new Error("Address not available"))
          : Promise.resolve("proxy"),
    },
    expected: [],
  },
  {
    name: "something on the proxy's port of which nobody knows what it is",
    spoiled: { whoAnswers: () => Promise.resolve("unclear") },
    expected: [
      "port/listener-0.0.0.0:443 note: something listens on 0.0.0.0:443, but does not answer as the proxy does → if it is " +
      "the proxy, it cannot reach Telegram; if not, stop it or change bind-to",
      "port/public note: not running here, so not looked at: whether its port can be reached from outside",
    ],
  },
  {
    name: "a port that is closed from outside, or leads to the router",
    spoiled: {
      whoAnswers: (address) => {
        if (address.kind === "tcp" && address.host === "127.0.0.1") return Promise.resolve("proxy");
        return address.kind === "tcp" && address.host === "203.0.113.7" ? Promise.resolve("other") : never();
      },
    },
    expected: [
      "port/public-ipv4 warning: at 203.0.113.7:443 something else answers than this proxy: behind NAT that may be all " +
      "right, for many routers do not lead back inside → try a link on a phone without Wi-Fi; if that fails, let firewall " +
      "and router pass port 443",
      "port/public-ipv6 warning: [2001:db8::7]:443 cannot be reached from here (no answer within 3.5 s): behind NAT that " +
      "may be all right, for many routers do not lead back inside → try a link on a phone without Wi-Fi; if that fails, let " +
      "firewall and router pass port 443",
    ],
  },
]);

const needed = "24,576 (two for each of concurrency = 8192, one for each of stranger-concurrency = 8192)";
const sysctl = (line: string) => `put \`${line}\` into /etc/sysctl.d/mtg.conf, then run \`sysctl --system\``;
const many = ["concurrency = 8192", "stranger-concurrency = 8192"];

judged([
  {
    name: "limits that are too low",
    lines: [...many, 'bind-to = "0.0.0.0:40000"'],
    spoiled: {
      files: {
        "/proc/self/limits": "Max open files            1024                 4096                 files     \n",
        "/proc/sys/fs/file-max": "100000\n",
        "/proc/sys/net/core/somaxconn": "128\n",
        "/proc/sys/net/ipv4/tcp_max_syn_backlog": "512\n",
      },
    },
    expected: [
      `limits/descriptors warning: descriptors of this process (those of the service may be others): 4,096, right is ${needed} → give the service ` +
      "LimitNOFILE=24576, or lower concurrency; with fewer, strangers have to make room",
      "limits/file-max warning: fs.file-max (open files of all programs together): 100,000, right is 1,000,000 or more → " +
      sysctl("fs.file-max = 1000000"),
      "limits/somaxconn warning: net.core.somaxconn (clients that wait to be accepted): 128, right is 4,096 or more → " +
      sysctl("net.core.somaxconn = 4096"),
      "limits/syn-backlog warning: net.ipv4.tcp_max_syn_backlog (clients that are about to connect): 512, right is 4,096 or " +
      `more → ${sysctl("net.ipv4.tcp_max_syn_backlog = 4096")}`,
      "limits/local-ports warning: net.ipv4.ip_local_port_range and tcp_tw_reuse (ports towards Telegram): 28,232 ports, " +
      "32768 to 60999, used again a minute after they were closed, right is 16384 to 65535 and 1 for concurrency = 8192 → " +
      sysctl("net.ipv4.ip_local_port_range = 16384 65535` and `net.ipv4.tcp_tw_reuse = 1"),
      "limits/listen-port warning: port 40000, where the proxy listens: connections of this machine take 32768 to 60999, " +
      "right is one that no connection of this machine takes, or a reserved one → listen on a port below that range, or " +
      sysctl("net.ipv4.ip_local_reserved_ports = 40000"),
    ],
  },
  {
    name: "limits that may not be read, or hold something else",
    lines: many,
    spoiled: {
      readSystemFile: (path) =>
        path.endsWith("somaxconn") ? Promise.resolve("many") : Promise.reject(new Deno.errors.NotCapable()),
    },
    expected: [
      `limits/descriptors note: descriptors of this process (those of the service may be others): not read, for the proxy may not look there; right is ${needed}` +
      " → look with `ulimit -Hn`",
      "limits/file-max note: fs.file-max (open files of all programs together): not read, for the proxy may not look there; " +
      "right is 1,000,000 or more → look with `sysctl fs.file-max`",
      "limits/somaxconn note: net.core.somaxconn (clients that wait to be accepted): not read, for it is not as expected; " +
      "right is 4,096 or more → look with `sysctl net.core.somaxconn`",
      "limits/syn-backlog note: net.ipv4.tcp_max_syn_backlog (clients that are about to connect): not read, for the proxy " +
      "may not look there; right is 4,096 or more → look with `sysctl net.ipv4.tcp_max_syn_backlog`",
      "limits/local-ports note: net.ipv4.ip_local_port_range and tcp_tw_reuse (ports towards Telegram): not read, for the " +
      "proxy may not look there; right is 16384 to 65535 and 1 for concurrency = 8192 → look with " +
      "`sysctl net.ipv4.ip_local_port_range net.ipv4.tcp_tw_reuse`",
      "limits/listen-port note: port 443, where the proxy listens: not read, for the proxy may not look there; right is one " +
      "that no connection of this machine takes, or a reserved one → look with `sysctl net.ipv4.ip_local_port_range " +
      "net.ipv4.ip_local_reserved_ports`",
    ],
  },
  {
    name: "nothing where ports are used again at once, and the proxy's own is reserved",
    lines: [...many, 'bind-to = ["0.0.0.0:40000", "127.0.0.1:40010"]'],
    spoiled: {
      files: {
        "/proc/sys/net/ipv4/tcp_tw_reuse": "1\n",
        "/proc/sys/net/ipv4/ip_local_reserved_ports": "39000-39999,40000,40009-40011\n",
      },
    },
    expected: [],
  },
  {
    name: "another system than Linux",
    spoiled: { os: "darwin" },
    expected: ["limits/system note: not read: what is known here is Linux, not darwin"],
  },
]);
