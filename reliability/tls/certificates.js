'use strict';

/** The subject "certificates": the cases of certificate-cases, one server for each. */

const { makeCertificateCases } = require('./certificate-cases');
const { EXTENSION, extension, uint, vector } = require('./handmade-tls');
const { Servers } = require('./servers');

/** @param {{ version?: 12 | 13, scheme?: number, staple?: Buffer }} options `scheme`: how TLS 1.2 signs */
function script({ version = 13, scheme, staple }) {
  return async (tls) => {
    await tls.clientHello();
    if (version === 12) {
      tls.flight12({ exchange: { scheme } });
      await tls.finish12();
    } else {
      const extensions = staple
        ? [extension(EXTENSION.statusRequest, uint(1, 1), vector(3, staple))]
        : [];
      tls.flight13({ certificate: { extensions } });
    }
  };
}

/** @param {{ anchors: any[], cases: any[] }} made */
async function serveChains({ anchors, cases }) {
  const servers = new Servers();
  const prepared = await Promise.all(
    cases.map(async ({ name, host, key, chain, ...options }) => {
      const port = await servers.listen(name, script(options), { key, chain });
      return { name, port, ...(host === '127.0.0.1' ? {} : { host }) };
    }),
  );
  return { anchors, cases: prepared, problems: servers.problems, close: () => servers.close() };
}

module.exports = { serveChains, prepare: () => serveChains(makeCertificateCases()) };
