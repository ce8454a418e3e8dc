/** The values of programs, and how transcripts show values. This file runs in both worlds. */

/** An identifier that no program is ever given. */
export const NO_SOCKET = 987_654_321;

/** Longer strings are shown by their length. */
const MAX_TEXT = 80;

/** FNV-1a, continued from `hash`. */
export function digest(bytes, hash = 0x811c9dc5) {
  let result = hash;
  for (const byte of bytes) result = Math.imul(result ^ byte, 0x01000193) >>> 0;
  return result;
}

export const hex = (hash) => hash.toString(16).padStart(8, '0');

/** Bytes of a pattern in which no TLS record begins. */
export const pattern = (length, first) =>
  Uint8Array.from({ length }, (_, index) => (index + first) % 251);

/** Values that JSON has no form for, by name. */
export const SPECIAL = {
  undefined: () => undefined,
  nan: () => NaN,
  infinity: () => Infinity,
  '-0': () => -0,
  bigint: () => 1n,
  symbol: () => Symbol('symbol'),
  function: () => () => {},
  date: () => new Date(0),
  boxed: () => new Number(1),
  sharedBuffer: () => new SharedArrayBuffer(8),
  throwingName: () => ({
    get name() {
      throw new RangeError('from a getter');
    },
  }),
};

export function bytesOf({ bytes, first = 0, as = 'buffer' }) {
  const array = pattern(bytes, first);
  if (as === 'buffer') return array.buffer;
  const wide = new Uint8Array(bytes + 7);
  wide.set(array, 3);
  return as === 'view' ? wide.subarray(3, 3 + bytes) : new DataView(wide.buffer, 3, bytes);
}

/** Shows values, with the numbers of sockets and the names of ports instead of the actual ones. */
export class Writer {
  #slots;
  #ports;

  /**
   * @param {Map<number, number>} slots identifier → slot
   * @param {{ peers: number[], servers?: number[] }} ports those of peers and of the program's own servers
   */
  constructor(slots, ports) {
    this.#slots = slots;
    this.#ports = ports;
  }

  #port(key, value) {
    const { peers, servers } = this.#ports;
    const own = servers?.indexOf(value) ?? -1;
    if (own >= 0) return `server ${own}`;
    if (key === 'localPort') return value > 0 ? 'local' : String(value);
    const index = peers.indexOf(value);
    if (index >= 0) return `port ${index}`;
    // The port of a client of a server.
    return servers && value > 0 ? 'remote' : String(value);
  }

  #member(key, value) {
    if (key === 'socketId') return `#${this.#slots.get(value) ?? value}`;
    if (key === 'localPort' || key === 'peerPort') return this.#port(key, value);
    return this.show(value);
  }

  #string(value) {
    if (value.length <= MAX_TEXT) return JSON.stringify(value);
    return `${JSON.stringify(value.slice(0, 8))}… ${value.length} characters`;
  }

  show(value) {
    if (Object.is(value, -0)) return '-0';
    if (typeof value === 'string') return this.#string(value);
    if (typeof value !== 'object' || value === null) return String(value);
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (Array.isArray(value)) return `[${value.map((item) => this.show(item)).join(', ')}]`;
    const members = Object.keys(value).map((key) => `${key}: ${this.#member(key, value[key])}`);
    return `{${members.join(', ')}}`;
  }
}
