/** Values as a transcript shows them. Runs unchanged on both sides. */

const MAX_TEXT = 120;

/** FNV-1a: enough to tell two byte strings apart in a transcript. */
function digest(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
}

export function showBytes(bytes) {
  if (bytes.length > MAX_TEXT) {
    return `${bytes.length} bytes, digest ${digest(bytes)}`;
  }
  return `${bytes.length} bytes ${JSON.stringify(String.fromCharCode(...bytes))}`;
}

/** Writes values the same way on both sides. Socket ids and ports, which differ by chance, become names. */
export class Writer {
  /** The numbers of sockets of each namespace may coincide in Chromium. */
  #sockets = { tcp: new Map(), tcpServer: new Map() };
  #ports;

  constructor(ports) {
    this.#ports = new Map(Object.entries(ports).map(([name, port]) => [port, name]));
  }

  socket(id, space = 'tcp') {
    return this.#sockets[space].get(id) ?? String(id);
  }

  learnSocket(id, space = 'tcp') {
    const sockets = this.#sockets[space];
    if (!sockets.has(id)) {
      sockets.set(id, `${space === 'tcp' ? '#' : 'server #'}${sockets.size + 1}`);
    }
  }

  learnPort(port, name) {
    if (!this.#ports.has(port)) this.#ports.set(port, name);
  }

  #portName(port) {
    const name = this.#ports.get(port);
    return name === undefined ? undefined : name === 'main' ? '<port>' : `<port of ${name}>`;
  }

  #number(value) {
    if (Object.is(value, -0)) return '-0';
    for (const turn of [0, 65536, -65536]) {
      const name = this.#portName(value - turn);
      if (name !== undefined) {
        return turn === 0 ? name : `${name} ${turn < 0 ? '-' : '+'} 65536`;
      }
    }
    return String(value);
  }

  #member(key, value, space) {
    if (key === 'socketId' && typeof value === 'number') return this.socket(value, space);
    if (key === 'localPort' && Number.isInteger(value) && value > 1023 && value < 65536) {
      return '<local port>';
    }
    if (key === 'peerPort' && value > 1023 && this.#portName(value) === undefined) {
      return '<peer port>';
    }
    return this.show(value, space);
  }

  show(value, space = 'tcp') {
    switch (typeof value) {
      case 'number':
        return this.#number(value);
      case 'string':
        return value.length > 2 * MAX_TEXT
          ? `${JSON.stringify(value.slice(0, 20))}… ${value.length} characters`
          : JSON.stringify(value);
      case 'bigint':
        return `${value}n`;
      case 'function':
        return `function ${value.name}`;
      case 'object':
        return value === null ? 'null' : this.#object(value, space);
      default:
        return String(value);
    }
  }

  #object(value, space) {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (value instanceof ArrayBuffer) {
      // A detached buffer has no bytes, and making a view of it throws.
      const bytes = value.byteLength === 0 ? [] : new Uint8Array(value);
      return `ArrayBuffer, ${showBytes(bytes)}`;
    }
    if (ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      return `${value.constructor.name}, ${showBytes(bytes)}`;
    }
    if (value instanceof Promise) return 'a promise';
    if (Array.isArray(value)) return `[${value.map((item) => this.show(item, space)).join(', ')}]`;
    const prototype = Object.getPrototypeOf(value);
    const kind =
      prototype === Object.prototype ? '' : `${prototype?.constructor.name ?? 'null prototype'} `;
    const members = Object.entries(value).map(
      ([key, member]) => `${key}: ${this.#member(key, member, space)}`,
    );
    return `${kind}{${members.join(', ')}}`;
  }
}
