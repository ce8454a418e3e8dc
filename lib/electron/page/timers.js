'use strict';

/** In the place of `node:timers`. No sends are a page's own to end, so nothing is ever deferred. */
module.exports = {};
