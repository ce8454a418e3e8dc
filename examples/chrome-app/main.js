'use strict';

/** Starts one of the apps beside this file: `CHROME_APP=telnet electron examples/chrome-app/main.js`. */

const { join } = require('node:path');
const { startChromeApp } = require('./chrome-app.js');

const name = process.env.CHROME_APP ?? 'telnet';
const folder = join(__dirname, 'apps', name);

// An app for NW.js has no background page, and its manifest gives no permission for sockets.
const sockets = process.env.AS_IT_IS ? undefined : { tcp: { connect: '*' } };

void startChromeApp(name === 'flight' ? { folder, page: 'main.html', sockets } : { folder });
