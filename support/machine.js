'use strict';

/** The machine that something is measured on, for the figures. */

const os = require('node:os');

function describeMachine() {
  const { version, versions, platform, arch } = process;
  return {
    date: new Date().toISOString(),
    system: `${os.type()} ${os.release()}, ${platform} ${arch}`,
    cpu: os.cpus()[0]?.model,
    cores: os.cpus().length,
    memory: os.totalmem(),
    node: version,
    v8: versions.v8,
    openssl: versions.openssl,
  };
}

module.exports = { describeMachine };
