'use strict';

/** The observations of an application during a fault, in words. */

/**
 * @typedef {InstanceType<typeof import('./harness.js')['Scene']>} Scene
 * @typedef {InstanceType<typeof import('./harness.js')['Socket']>} Socket
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** The duration of a temporary fault in milliseconds: longer than TCP's first retransmission timeout. */
const OUTAGE_MS = 450;

/** @param {number} milliseconds */
const pass = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {Scene} scene
 * @param {string} [host]
 * @param {number} [port]
 */
async function connecting(scene, host, port) {
  const socket = await scene.create();
  return `connect ${await socket.connect(host, port)}`;
}

/**
 * Whether all data of both sides arrives.
 *
 * @param {Socket} socket
 * @param {number} down bytes from the peer
 * @param {number} up bytes to it
 */
async function arrives(socket, down, up) {
  const [received, there] = await Promise.all([socket.received(down), socket.peer('received', up)]);
  if (received === down && there === up) return 'everything arrives';
  return `${received} of ${down} bytes arrive, ${there} of ${up} at the peer`;
}

/**
 * How a connection ends, and the result of a send after that.
 *
 * @param {Socket} socket
 * @param {number} [down] how many bytes must have come before
 */
async function ends(socket, down) {
  const code = await socket.failed();
  const { length } = await socket.ask('summary');
  const whole = down === undefined || length === down ? '' : ` after ${length} of ${down} bytes`;
  const [sent] = await socket.send(1);
  return `onReceiveError ${code}${whole}, send ${sent}`;
}

/** How a broken connection ends. */
const BROKEN = 'onReceiveError -100, send -15';

/** @param {number[]} codes */
function told(codes) {
  const runs = codes.filter((code, index) => code !== codes[index - 1]);
  return runs.join(', then ');
}

/**
 * Both ways: something, then a spell of trouble in the middle of which there is more, then the rest.
 *
 * @param {Scene} scene
 * @param {() => unknown} begin
 * @param {() => unknown} end
 * @param {number} [length]
 */
async function spell(scene, begin, end, length = 200 * KIB) {
  const socket = await scene.open();
  await Promise.all([socket.send(length), socket.peer('write', length)]);
  await arrives(socket, length, length);
  await begin();
  const more = Promise.all([socket.send(length), socket.peer('write', length)]);
  await pass(OUTAGE_MS);
  await end();
  const [codes] = await more;
  if (codes[0] !== 0) return `send ${codes[0]}`;
  return arrives(socket, 2 * length, 2 * length);
}

module.exports = { BROKEN, KIB, MIB, OUTAGE_MS, arrives, connecting, ends, pass, spell, told };
