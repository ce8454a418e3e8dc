'use strict';

/**
 * Random certificates: chains with every kind of flaw, and graphs in which a path must be found. A
 * case is made from its number alone, so only the verdicts need to be kept.
 */

const { createRandom } = require('../random');
const der = require('./der');
const {
  alternativeNames,
  basicConstraints,
  directory,
  dns,
  email,
  extendedKeyUsage,
  extension,
  ip,
  keyUsage,
  makeCertificate,
  nameConstraints,
  named,
  uri,
} = require('./certificate');

const HOST = 'www.server.localhost';
const POLICIES = ['1.2.3.1', '1.2.3.2', '1.2.3.3'];
const ANY_POLICY = '2.5.29.32.0';
/** Of few authorities in a chain. */
const OTHER_KEYS = ['secp384r1/', 'rsa-2048/', 'rsa-1024/', 'secp256k1/', 'ed25519/'];
const DAY = 24 * 3_600_000;
/** So that certificates that are made one after the other are of the same age. */
const TODAY = Math.floor(Date.now() / DAY) * DAY;

const moment = (days) => der.time(new Date(TODAY + days * DAY));
const keyId = (key) => Buffer.from(`key ${key}`);
const subjectKeyId = (id) => extension('2.5.29.14', false, der.octets(id));
const authorityKeyId = (id) => extension('2.5.29.35', false, der.sequence(der.implicit(0, id)));
const policies = (ids, critical) =>
  extension('2.5.29.32', critical, der.sequence(...ids.map((id) => der.sequence(der.oid(id)))));
const unknownExtension = (critical) => extension('1.3.6.1.4.1.99999.4', critical, der.none);

/** @param {any} options of {@link makeCertificate}, with days in place of dates */
function certificate({ days: [from, to] = [-10, 300], ...options }) {
  return makeCertificate({ notBefore: moment(from), notAfter: moment(to), ...options });
}

/** Trusted authorities by their descriptions. */
function makeAnchors() {
  const make = (
    name,
    key,
    { constraints = basicConstraints(true), more = [], ...options } = {},
  ) => ({
    name: key,
    ...certificate({
      key: `prime256v1/${key}`,
      subject: named(name),
      days: [-100, 3000],
      extensions: [
        constraints,
        keyUsage(['keyCertSign']),
        subjectKeyId(keyId(`prime256v1/${key}`)),
        ...more,
      ],
      ...options,
    }),
  });
  return {
    plain: make('Graph Root', 'graph root'),
    twins: [
      make('Twin Root', 'older twin root', { days: [-101, 3000] }),
      make('Twin Root', 'newer twin root'),
    ],
    short: make('Short Root', 'short root', { constraints: basicConstraints(true, 0) }),
    shortish: make('Shortish Root', 'shortish root', { constraints: basicConstraints(true, 1) }),
    named: make('Named Root', 'named root', {
      more: [nameConstraints({ permitted: [dns('server.localhost')] })],
    }),
    unnamed: make('Unnamed Root', 'unnamed root', {
      more: [nameConstraints({ excluded: [dns('other.localhost')] })],
    }),
    strict: make('Strict Root', 'strict root', {
      more: [extension('2.5.29.36', false, der.sequence(der.implicit(0, Buffer.from([0]))))],
    }),
  };
}

/** The common properties of a case's certificates, which its seed decides. */
class Maker {
  constructor(anchors, seed) {
    this.anchors = anchors;
    this.random = createRandom(seed);
    /** The certificates that the server presents besides its own. */
    this.presented = [];
  }

  /** @param {number} one how often that is true in a hundred */
  chance(one) {
    return this.random.next() * 100 < one;
  }

  /** @template T @param {T[]} items */
  shuffled(items) {
    const left = [...items];
    const order = [];
    while (left.length > 0) order.push(...left.splice(this.random.integer(0, left.length - 1), 1));
    return order;
  }

  /** @template T @param {T[]} items @returns {T[]} */
  some(items) {
    return items.filter(() => this.chance(40));
  }

  anchor() {
    const { plain, twins, short, shortish, named: constrained, unnamed } = this.anchors;
    return this.random.pick([plain, plain, plain, ...twins, short, shortish, constrained, unnamed]);
  }

  /** @param {any} issuer @param {any} [options] */
  authority(issuer, { name, key, constraints, usage, more = [], ...options } = {}) {
    const made = certificate({
      key: key.includes('/') ? key : `prime256v1/${key}`,
      subject: typeof name === 'string' ? named(name) : name,
      issuer,
      extensions: [
        constraints === undefined ? basicConstraints(true) : constraints,
        usage === undefined ? keyUsage(['keyCertSign']) : usage,
        ...more,
      ].filter(Boolean),
      ...options,
    });
    return made;
  }

  leaf(issuer, { names = [dns(HOST)], more = [], ...options } = {}) {
    return certificate({
      key: 'prime256v1/graph leaf',
      subject: named('Server'),
      issuer,
      extensions: [
        basicConstraints(false),
        keyUsage(['digitalSignature']),
        names && alternativeNames(names),
        ...more,
      ].filter(Boolean),
      ...options,
    });
  }

  /** Identifiers of keys, right ones and wrong ones, or none. */
  keyIds(issuer, own) {
    const { random } = this;
    const issuerId = issuer.keyId ?? keyId('prime256v1/graph root');
    return [
      this.chance(50) && subjectKeyId(own),
      this.chance(50) && authorityKeyId(random.pick([issuerId, issuerId, Buffer.from('wrong')])),
    ].filter(Boolean);
  }
}

const ALTERNATIVES = [
  dns(HOST),
  dns('*.server.localhost'),
  dns('www.other.localhost'),
  dns('SERVER.LOCALHOST'),
  ip(127, 0, 0, 1),
  ip(10, 1, 2, 3),
  email('root@server.localhost'),
  email('root@mail.other.localhost'),
  email('no mailbox'),
  uri('https://server.localhost/'),
  directory(named('Server')),
  directory(named('Client')),
  der.implicit(8, Buffer.from([0x2a, 3])),
];
/** @param {any} issuer */
const signsDigests = (issuer) => issuer.key.asymmetricKeyType !== 'ed25519';
const TREES = [
  dns('server.localhost'),
  dns('.server.localhost'),
  dns('www.server.localhost'),
  dns('other.localhost'),
  dns('localhost'),
  dns('LOCALHOST'),
  dns(''),
  ip(127, 0, 0, 0, 255, 0, 0, 0),
  ip(10, 0, 0, 0, 255, 255, 0, 0),
  ip(0, 0, 0, 0, 0, 0, 0, 0),
  email('root@server.localhost'),
  email('server.localhost'),
  email('.other.localhost'),
  uri('server.localhost'),
  directory(named('Server')),
  directory(named('Elsewhere')),
  directory(der.sequence()),
];

/** Permitted directory names are among the cases of certificate-cases. */
const isKnown = (tree) => tree[0] !== 0xa4;

/** @param {Maker} maker */
function constraintsByChance(maker, critical = maker.chance(80)) {
  const permitted = maker.chance(60) ? maker.some(TREES.filter(isKnown)).slice(0, 3) : [];
  const excluded = maker.chance(50) ? maker.some(TREES).slice(0, 2) : [];
  const trees = {
    ...(permitted.length > 0 && { permitted }),
    ...(excluded.length > 0 && { excluded }),
  };
  return permitted.length + excluded.length > 0 && nameConstraints(trees, critical);
}

/**
 * The kinds of cases. Each makes the server's certificate, and fills `presented`.
 * @type {Record<string, { count: number, make: (maker: Maker) => any }>}
 */
const KINDS = {
  /** One path, in which links may have flaws of every sort. */
  chain: {
    count: 300,
    make(maker) {
      const { random } = maker;
      let issuer = maker.anchor();
      const depth = random.integer(0, 4);
      const flaw = () => maker.chance(7);
      for (let index = 0; index < depth; index += 1) {
        const selfIssued = maker.chance(20);
        const kind = maker.chance(85) ? '' : random.pick(OTHER_KEYS);
        const key = `${kind}chain ${index}`;
        issuer = maker.authority(issuer, {
          name: selfIssued ? issuer.subject : `Link ${index}`,
          key,
          ...(maker.chance(30) && { constraints: basicConstraints(true, random.integer(0, 2)) }),
          ...(flaw() && { constraints: random.pick([null, basicConstraints(false)]) }),
          ...(flaw() && {
            usage: random.pick([null, keyUsage(['cRLSign']), keyUsage(['keyCertSign'], false)]),
          }),
          ...(flaw() && {
            days: random.pick([
              [-20, -1],
              [2, 20],
            ]),
          }),
          ...(flaw() &&
            signsDigests(issuer) && {
              algorithm: random.pick(['ecdsa-sha1', 'ecdsa-sha384', 'ecdsa-sha512']),
            }),
          ...(flaw() && {
            spoil: (bits) => Buffer.concat([bits.subarray(0, -1), Buffer.from([bits.at(-1) ^ 1])]),
          }),
          ...(flaw() && { inner: 'ecdsa-sha384' }),
          more: [
            maker.chance(20) &&
              extendedKeyUsage(
                random.pick([
                  ['serverAuth'],
                  ['clientAuth'],
                  ['any'],
                  ['serverAuth', 'emailProtection'],
                ]),
              ),
            maker.chance(15) && constraintsByChance(maker),
            maker.chance(15) &&
              alternativeNames(maker.some(ALTERNATIVES).slice(0, 2).concat(dns('ca.localhost'))),
            flaw() && unknownExtension(maker.chance(50)),
            ...maker.keyIds(issuer, keyId(key)),
          ].filter(Boolean),
        });
        if (!flaw()) maker.presented.push(issuer);
      }
      maker.presented = maker.chance(30)
        ? maker.shuffled(maker.presented)
        : maker.presented.reverse();
      return maker.leaf(issuer, {
        ...(flaw() && {
          days: random.pick([
            [-20, -1],
            [2, 20],
          ]),
        }),
        ...(flaw() && { names: [dns('www.other.localhost')] }),
        ...(flaw() && { subject: issuer.subject }),
        more: [
          maker.chance(30) &&
            extendedKeyUsage(random.pick([['serverAuth'], ['clientAuth'], ['any']])),
          flaw() && unknownExtension(maker.chance(50)),
          ...maker.keyIds(issuer, keyId('leaf')),
        ].filter(Boolean),
      });
    },
  },

  /** A few names, a few keys each, and certificates from any to any other. */
  mesh: {
    count: 300,
    make(maker) {
      const { random } = maker;
      const { plain, twins } = maker.anchors;
      const roots = random.pick([[plain], [plain], twins, [plain, ...twins]]);
      const nodes = Array.from({ length: random.integer(2, 8) }, (_, index) => {
        const key = `mesh ${index}`;
        const name = `Node ${random.integer(0, random.integer(1, 5))}`;
        return {
          key: `prime256v1/${key}`,
          short: key,
          name,
          days: [-random.integer(2, 20), random.integer(50, 60)],
        };
      });
      const made = nodes.map((node) => [node, []]);
      const { keyFor } = require('./certificate');
      const asIssuer = (node) => ({
        subject: named(node.name),
        key: keyFor(node.key),
        keyId: keyId(node.key),
      });
      const edges = random.integer(2, 22);
      for (let index = 0; index < edges; index += 1) {
        const [node] = random.pick(made);
        const fromRoot = maker.chance(12);
        const issuer = fromRoot ? random.pick(roots) : asIssuer(random.pick(nodes));
        const crossedRoot = maker.chance(6);
        maker.presented.push(
          maker.authority(issuer, {
            name: crossedRoot ? random.pick(roots).subject : node.name,
            key: node.short,
            days: maker.chance(80)
              ? node.days
              : random.pick([
                  [-20, -1],
                  [-1, 5],
                  [2, 30],
                ]),
            ...(maker.chance(8) && { constraints: basicConstraints(true, 0) }),
            more: [
              ...maker.keyIds(issuer, keyId(node.key)),
              maker.chance(8) && constraintsByChance(maker, true),
              maker.chance(5) && alternativeNames([dns(`node${index}.localhost`)]),
            ].filter(Boolean),
          }),
        );
      }
      const issuer = asIssuer(random.pick(nodes));
      return maker.leaf(issuer, { more: maker.keyIds(issuer, keyId('leaf')) });
    },
  },

  /** One right issuer among many that bear its name, several levels of them. */
  fan: {
    count: 160,
    make(maker) {
      const { random } = maker;
      let issuer = maker.anchors.plain;
      const levels = random.integer(1, 4);
      const identified = maker.chance(40);
      for (let level = 0; level < levels; level += 1) {
        const name = `Fan ${level}`;
        const below = issuer;
        const right = `right ${level}`;
        const at = random.integer(0, 24);
        const count = random.integer(0, random.pick([3, 8, 24]));
        const ids = (key) => (identified ? [subjectKeyId(keyId(key))] : []);
        for (let index = 0; index < count; index += 1) {
          const key = `wrong ${index % 12}`;
          const known = maker.chance(30);
          const stranger = { subject: named(`Nobody ${index}`), key: below.key };
          maker.presented.push(
            maker.authority(known ? below : stranger, {
              name,
              key,
              days: [-random.integer(2, 9), 100],
              more: ids(key),
            }),
          );
        }
        issuer = {
          ...maker.authority(below, { name, key: right, days: [-5, 100], more: ids(right) }),
          right,
        };
        maker.presented.splice(Math.min(at, maker.presented.length), 0, issuer);
      }
      if (maker.chance(50)) maker.presented = maker.shuffled(maker.presented);
      return maker.leaf(issuer, {
        more: identified ? [authorityKeyId(keyId(issuer.right))] : [],
        ...(maker.chance(10) && { days: [-9, -1] }),
      });
    },
  },

  /** Constraints on names of all kinds, and names of all kinds. */
  names: {
    count: 300,
    make(maker) {
      const { random } = maker;
      let issuer = random.pick([maker.anchors.plain, maker.anchors.named, maker.anchors.unnamed]);
      const depth = random.integer(1, 3);
      for (let index = 0; index < depth; index += 1) {
        issuer = maker.authority(issuer, {
          name: maker.chance(25) ? issuer.subject : `Namer ${index}`,
          key: `namer ${index}`,
          more: [
            maker.chance(70) && constraintsByChance(maker),
            maker.chance(20) &&
              alternativeNames(
                maker.some(ALTERNATIVES).slice(0, 2).concat(dns('a.other.localhost')),
              ),
          ].filter(Boolean),
        });
        maker.presented.unshift(issuer);
      }
      const names = maker.chance(50) ? [] : maker.some(ALTERNATIVES).slice(0, 3);
      const mailbox = der.sequence(
        der.set(der.sequence(der.oid('1.2.840.113549.1.9.1'), der.ia5('root@server.localhost'))),
      );
      return maker.leaf(issuer, {
        names: [dns(HOST), ...names],
        subject: random.pick([named('Server'), named('Server'), named('Client'), mailbox]),
      });
    },
  },

  /** Policies, and the extensions that require, map and inhibit them, none of them critical. */
  policies: {
    count: 120,
    make(maker) {
      const { random } = maker;
      let issuer = random.pick([maker.anchors.plain, maker.anchors.strict]);
      const depth = random.integer(1, 3);
      const chosen = () => {
        const ids = maker.some(POLICIES);
        if (maker.chance(25)) ids.push(ANY_POLICY);
        return ids.length > 0 && maker.chance(85) && policies(ids, false);
      };
      const number = () => Buffer.from([random.integer(0, 2)]);
      for (let index = 0; index < depth; index += 1) {
        issuer = maker.authority(issuer, {
          name: maker.chance(15) ? issuer.subject : `Policy ${index}`,
          key: `policy ${index}`,
          more: [
            chosen(),
            maker.chance(40) &&
              extension(
                '2.5.29.36',
                false,
                der.sequence(
                  der.implicit(0, number()),
                  ...(maker.chance(30) ? [der.implicit(1, number())] : []),
                ),
              ),
            maker.chance(25) &&
              extension(
                '2.5.29.33',
                false,
                der.sequence(
                  der.sequence(
                    der.oid(random.pick([...POLICIES, ANY_POLICY])),
                    der.oid(random.pick(POLICIES)),
                  ),
                ),
              ),
            maker.chance(20) && extension('2.5.29.54', false, der.integer(random.integer(0, 1))),
          ].filter(Boolean),
        });
        maker.presented.unshift(issuer);
      }
      return maker.leaf(issuer, { more: [chosen()].filter(Boolean) });
    },
  },

  /** A byte that is another one, in a certificate that is signed as it is then. */
  encodings: {
    count: 320,
    make(maker) {
      const { random } = maker;
      const spoil = (part) => {
        const bytes = Buffer.from(part);
        const at = random.integer(Math.min(2, bytes.length - 1), bytes.length - 1);
        bytes[at] = random.pick([
          bytes[at] ^ (1 << random.integer(0, 7)),
          bytes[at] + 1,
          0,
          0xff,
          random.integer(0, 255),
        ]);
        return bytes;
      };
      const inLeaf = maker.chance(60);
      const extensions = (ids, more) =>
        [
          ...more,
          maker.chance(50) && extendedKeyUsage(['serverAuth']),
          maker.chance(50) && policies(maker.some(POLICIES).concat('1.2.3.9'), false),
          maker.chance(50) && subjectKeyId(ids),
          maker.chance(50) && authorityKeyId(ids),
          maker.chance(20) &&
            extension(
              '1.3.6.1.5.5.7.1.1',
              false,
              der.sequence(der.sequence(der.oid('1.3.6.1.5.5.7.48.2'), uri('http://localhost:9/'))),
            ),
          !inLeaf &&
            maker.chance(60) &&
            nameConstraints({ permitted: [dns('localhost'), ip(127, 0, 0, 0, 255, 0, 0, 0)] }),
        ].filter(Boolean);
      const spoiledOne = (list) => {
        const at = random.integer(0, list.length - 1);
        return list.map((one, index) => (index === at ? spoil(one) : one));
      };
      const maybe = (here) => ({
        ...(here && maker.chance(15) && { subject: spoil(named('Spoiled')) }),
        ...(here && maker.chance(10) && { serial: spoil(der.integer(0x1234567890)) }),
        ...(here && maker.chance(10) && { notAfter: spoil(moment(89)) }),
        ...(here && maker.chance(5) && { version: spoil(der.explicit(0, der.integer(2))) }),
      });
      const ofIssuer = extensions(Buffer.from('id'), [
        basicConstraints(true, 3),
        keyUsage(['keyCertSign']),
      ]);
      const issuer = maker.authority(maker.anchors.plain, {
        name: 'Encoder',
        key: 'encoder',
        extensions: inLeaf ? ofIssuer : spoiledOne(ofIssuer),
        ...maybe(!inLeaf),
      });
      maker.presented.push(issuer);
      const ofLeaf = extensions(Buffer.from('id'), [
        basicConstraints(false),
        keyUsage(['digitalSignature']),
        alternativeNames([dns(HOST), ip(127, 0, 0, 1)]),
      ]);
      return maker.leaf(issuer, {
        extensions: inLeaf ? spoiledOne(ofLeaf) : ofLeaf,
        ...maybe(inLeaf),
      });
    },
  },
};

/** @param {{ first?: number, times?: number }} [range] other cases than those whose verdicts are kept */
function makeGraphCases({ first = 1, times = 1 } = {}) {
  const anchors = makeAnchors();
  const cases = [];
  Object.entries(KINDS).forEach(([kind, { count, make }], index) => {
    for (let number = first; number < first + count * times; number += 1) {
      const maker = new Maker(anchors, number * 16 + index);
      const leaf = make(maker);
      const chain = [leaf, ...maker.presented].map((one) => one.der);
      cases.push({ name: `${kind} ${number}`, host: HOST, key: leaf.key, chain });
    }
  });
  const believed = Object.values(anchors).flat();
  return {
    anchors: believed.map(({ name, der: bytes }) => ({ name, trust: 'C', der: bytes })),
    cases,
  };
}

module.exports = { makeGraphCases };
