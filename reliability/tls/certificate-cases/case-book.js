'use strict';

/** Collects the cases, and makes the certificates that most of them are variations of. */

const der = require('../der');
const {
  alternativeNames,
  basicConstraints,
  dns,
  extendedKeyUsage,
  extension,
  keyUsage,
  makeCertificate,
  named,
} = require('../certificate');

const HOST = 'www.server.localhost';
const ADDRESS = '127.0.0.1';
const P256 = 'prime256v1';
const DEFAULT = Symbol('as usual');

/** The words of a key for `keyFor`. @param {string} place @param {string} [kind] */
const keyOf = (place, kind = P256) => `${kind}/${place}`;

/** @param {boolean} critical */
const unknownExtension = (critical) => extension('1.3.6.1.4.1.99999.4', critical, der.none);

/** Extensions of an authority. @param {any} [options] */
const authorityExtensions = ({
  constraints = basicConstraints(true),
  usage = keyUsage(['keyCertSign', 'cRLSign']),
  more = [],
} = {}) => [constraints, usage, ...more].filter(Boolean);

/** The members are functions that need no `this`, so that the subjects can destructure a book. */
class CaseBook {
  /** The authorities that both sides trust. @type {{ name: string, trust: string, der: Buffer }[]} */
  anchors = [];
  /** @type {any[]} */
  cases = [];

  /**
   * Makes a trusted authority.
   *
   * @param {string} name
   * @param {any} [options] of {@link makeCertificate}; `trust` as certutil has it
   */
  anchor = (name, { trust = 'C', extensions = authorityExtensions(), ...options } = {}) => {
    const made = makeCertificate({
      key: keyOf(name),
      subject: named(name),
      days: [-10, 3650],
      extensions,
      ...options,
    });
    this.anchors.push({ name, trust, der: made.der });
    return made;
  };

  root = this.anchor('Trusted Root');
  rsaRoot = this.anchor('Trusted RSA Root', { key: 'rsa-2048/root' });
  /** An authority that neither side trusts. */
  unknown = makeCertificate({
    key: keyOf('unknown'),
    subject: named('Unknown Root'),
    extensions: authorityExtensions(),
  });

  /** Makes an authority below another one. @param {any} [options] of {@link makeCertificate} */
  intermediate = ({
    issuer = this.root,
    name = 'Intermediate',
    extensions = authorityExtensions(),
    ...options
  } = {}) =>
    makeCertificate({
      key: keyOf(`below ${name}`),
      subject: named(name),
      issuer,
      extensions,
      ...options,
    });

  /** Makes an authority with one more extension. @param {Buffer} more */
  constrained = (more) => this.intermediate({ extensions: authorityExtensions({ more: [more] }) });

  /**
   * Makes the certificate of a server.
   *
   * @param {any} [options] its extensions one by one, or those of {@link makeCertificate}
   */
  leaf = ({
    constraints = DEFAULT,
    usage = DEFAULT,
    purposes = DEFAULT,
    names = [dns(HOST)],
    more = [],
    kind,
    ...options
  } = {}) => {
    const usual = (given, otherwise) => (given === DEFAULT ? otherwise : given);
    return makeCertificate({
      key: keyOf('leaf', kind),
      subject: named('Server'),
      issuer: this.root,
      extensions: [
        usual(constraints, basicConstraints(false)),
        usual(usage, keyUsage(['digitalSignature'])),
        usual(purposes, extendedKeyUsage(['serverAuth'])),
        names && alternativeNames(names),
        ...more,
      ].filter(Boolean),
      ...options,
    });
  };

  /**
   * Adds a case.
   *
   * @param {string} name
   * @param {any[]} chain the certificates that the server presents, the leaf first
   * @param {any} [options]
   */
  add = (name, chain, { host = HOST, key = chain[0].key, ...options } = {}) => {
    const presented = chain.map((one) => (Buffer.isBuffer(one) ? one : one.der));
    this.cases.push({ name, host, key, chain: presented, ...options });
  };

  /** Adds a case of a leaf below an intermediate authority. @param {string} name @param {any} middle @param {any} [options] */
  under = (name, middle, options) =>
    this.add(name, [this.leaf({ issuer: middle, ...options }), middle]);
}

module.exports = {
  ADDRESS,
  CaseBook,
  HOST,
  P256,
  authorityExtensions,
  keyOf,
  unknownExtension,
};
