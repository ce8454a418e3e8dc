'use strict';

/** The kinds of deliveries, from the native half to the renderer's and from the main process to a page. */

const COMPLETE = 0;
const RECEIVE = 1;
const RECEIVE_ERROR = 2;
const DETACHED = 3;
const ACCEPT = 4;
const ACCEPT_ERROR = 5;

module.exports = { ACCEPT, ACCEPT_ERROR, COMPLETE, DETACHED, RECEIVE, RECEIVE_ERROR };
