'use strict';

/** Servers on loopback that follow a script, one connection like the other. */

const { createServer } = require('node:net');
const { once } = require('node:events');
const {
  alternativeNames,
  basicConstraints,
  keyUsage,
  makeCertificate,
  named,
} = require('./certificate');
const { ClientGone, HandmadeTls } = require('./handmade-tls');

class Servers {
  #servers = [];
  #sockets = new Set();
  /** Errors of the scripts themselves, which are not verdicts. */
  problems = [];

  /**
   * @param {string} name
   * @param {(tls: HandmadeTls) => unknown} script
   * @param {{ key: import('node:crypto').KeyObject, chain: Buffer[] }} identity
   * @returns {Promise<number>} the port
   */
  async listen(name, script, identity) {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      void this.#serve(name, script, new HandmadeTls(socket, identity));
    });
    this.#servers.push(server);
    server.listen({ host: '127.0.0.1', port: 0, backlog: 64 });
    await once(server, 'listening');
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  }

  async #serve(name, script, tls) {
    try {
      await script(tls);
    } catch (error) {
      if (!(error instanceof ClientGone)) {
        this.problems.push(`${name}: ${error.stack}`);
        tls.reset();
      }
    }
    await tls.ended();
    tls.end();
  }

  close() {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/**
 * Servers that share a certificate for these names, by an authority to be trusted.
 *
 * @param {Buffer[]} names as {@link alternativeNames} takes them
 * @param {{ name: string, host: string, tlsVersion?: object,
 *   script: (tls: HandmadeTls) => unknown }[]} scripts
 * @returns {Promise<import('./verdicts').Prepared>}
 */
async function serve(names, scripts) {
  const root = makeCertificate({
    key: 'prime256v1/root',
    subject: named('Trusted Root'),
    extensions: [basicConstraints(true), keyUsage(['keyCertSign'])],
  });
  const { der, key } = makeCertificate({
    key: 'prime256v1/leaf',
    subject: named('Server'),
    issuer: root,
    extensions: [basicConstraints(false), alternativeNames(names)],
  });
  const servers = new Servers();
  const cases = await Promise.all(
    scripts.map(async ({ script, ...asked }) => {
      const port = await servers.listen(asked.name, script, { key, chain: [der] });
      return { ...asked, port, follow: true };
    }),
  );
  return {
    anchors: [{ name: 'Trusted Root', trust: 'C', der: root.der }],
    cases,
    problems: servers.problems,
    close: () => servers.close(),
  };
}

module.exports = { Servers, serve };
