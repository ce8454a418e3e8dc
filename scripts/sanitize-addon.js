'use strict';

/**
 * Preloaded into every Node that a sanitizer watches, children and workers too: the addon that was
 * built for the sanitizer takes the place of the module's, wherever that lies. A variable of napi-rs
 * for the same end would mislead the addons of others, those of jest among them.
 */

const path = require('node:path');

const { dlopen } = process;

process.dlopen = (module, file, ...rest) => {
  const isOurs = /^chrome-sockets-tcp\..*\.node$/.test(path.basename(file));
  const addon = isOurs ? /** @type {string} */ (process.env.SANITIZED_ADDON) : file;
  return Reflect.apply(dlopen, process, [module, addon, ...rest]);
};
