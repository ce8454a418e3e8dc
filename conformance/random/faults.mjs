/**
 * Faults that are planted into the module from outside, to show that random programs find them.
 * They change the calls and events between the namespace and the native half; the product has no
 * code for them.
 */

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const COMPLETE = 0;
const RECEIVE = 1;
const RECEIVE_ERROR = 2;
const ACCEPT = 4;
const ACCEPT_ERROR = 5;

/** Whether it is the n-th time, and every n-th time after. */
function every(count) {
  let seen = 0;
  return () => {
    seen += 1;
    return seen % count === 0;
  };
}

/** Changes deliveries: the function gets each one and decides which to pass on. */
const onDelivery = (change) => (native) => {
  const { attach } = native;
  native.attach = (deliver) => attach(change(deliver));
};

/** Changes calls of one method of the native half. */
const onCall = (method, change) => (native) => {
  const original = native[method].bind(native);
  native[method] = change(original);
};

const onKind = (wanted, action) =>
  onDelivery((deliver) => {
    const act = action(deliver);
    return (kind, ...rest) => (kind === wanted ? act(...rest) : deliver(kind, ...rest));
  });

/** Keeps every n-th delivery of a kind back until after the next delivery. */
const swapped = (wanted, count) =>
  onDelivery((deliver) => {
    const chosen = every(count);
    let kept;
    return (kind, ...rest) => {
      if (kept === undefined && kind === wanted && chosen()) {
        kept = [kind, ...rest];
        setTimeout(() => {
          if (kept) deliver(...kept);
          kept = undefined;
        }, 5);
        return;
      }
      deliver(kind, ...rest);
      if (kept) {
        const late = kept;
        kept = undefined;
        deliver(...late);
      }
    };
  });

/** @type {Record<string, (native: any) => void>} */
const SOCKET_FAULTS = {
  'a lost onReceiveError': onKind(RECEIVE_ERROR, (deliver) => {
    const lost = every(3);
    return (...rest) => lost() || deliver(RECEIVE_ERROR, ...rest);
  }),
  'onReceiveError twice': onKind(RECEIVE_ERROR, (deliver) => {
    const again = every(3);
    return (...rest) => {
      deliver(RECEIVE_ERROR, ...rest);
      if (again()) deliver(RECEIVE_ERROR, ...rest);
    };
  }),
  'another code in onReceiveError': onKind(
    RECEIVE_ERROR,
    (deliver) => (id, code) => deliver(RECEIVE_ERROR, id, code === -100 ? -101 : code),
  ),
  'a lost onReceive': onKind(RECEIVE, (deliver) => {
    const lost = every(10);
    return (...rest) => lost() || deliver(RECEIVE, ...rest);
  }),
  'a wrong byte received': onKind(RECEIVE, (deliver) => {
    const wrong = every(5);
    return (id, code, data) => {
      if (wrong() && data.byteLength > 0) new Uint8Array(data)[data.byteLength - 1] ^= 1;
      deliver(RECEIVE, id, code, data);
    };
  }),
  'a lost callback': (native) => {
    native.getInfo = () => null;
  },
  'callbacks in another order': swapped(COMPLETE, 3),
  'another code of a failed call': onKind(
    COMPLETE,
    (deliver) =>
      (id, code, ...rest) =>
        deliver(COMPLETE, id, code === -15 ? -2 : code, ...rest),
  ),
  'another message in lastError': onKind(
    COMPLETE,
    (deliver) =>
      (id, code, message, ...rest) =>
        deliver(
          COMPLETE,
          id,
          code,
          message === 'Socket not found' ? 'No socket' : message,
          ...rest,
        ),
  ),
  'a pause that is ignored': onCall(
    'setPaused',
    (setPaused) => (id, socketId, paused) => setPaused(id, socketId, paused && socketId % 2 === 0),
  ),
  'a wrong info': onCall('getInfo', (getInfo) => (...args) => {
    const info = getInfo(...args);
    return info && { ...info, persistent: false };
  }),
  'a name that is kept': onCall(
    'update',
    (update) => (id, socketId, persistent, name, size) =>
      update(id, socketId, persistent, name || undefined, size),
  ),
  'a buffer size that is ignored': onCall(
    'update',
    (update) => (id, socketId, persistent, name) => update(id, socketId, persistent, name),
  ),
  'an option that always succeeds': onKind(
    COMPLETE,
    (deliver) =>
      (id, code, message, ...rest) =>
        message === 'net::ERR_FAILED'
          ? deliver(COMPLETE, id, 0, undefined, ...rest)
          : deliver(COMPLETE, id, code, message, ...rest),
  ),
  'a wrong byte sent': (native) => {
    for (const method of ['send', 'sendGathered']) {
      onCall(method, (send) => (...args) => {
        const bytes = args.at(-1);
        if (bytes.length > 0) bytes[bytes.length - 1] ^= 1;
        return send(...args);
      })(native);
    }
  },
  'the end instead of data': onCall(
    'send',
    (send) => (id, socketId, bytes) =>
      send(id, socketId, bytes.length > 4000 ? bytes.subarray(0, bytes.length - 1) : bytes),
  ),
  'a disconnect that does nothing': (native) => {
    const { update } = native;
    native.disconnect = (id, socketId) => update.call(native, id, socketId);
  },
  'a refusal that is a time-out': onKind(
    COMPLETE,
    (deliver) =>
      (id, code, message, ...rest) =>
        code === -102
          ? deliver(COMPLETE, id, -118, 'net::ERR_CONNECTION_TIMED_OUT', ...rest)
          : deliver(COMPLETE, id, code, message, ...rest),
  ),
};

/** Gives faults the function that delivers, for events of their own. */
const withDelivery = (plantFault) => (native) => {
  let delivered = () => {};
  onDelivery((deliver) => {
    delivered = deliver;
    return deliver;
  })(native);
  plantFault(native, (...delivery) => delivered(...delivery));
};

/** @type {Record<string, (native: any) => void>} */
const SERVER_FAULTS = {
  'a lost onAccept': onKind(ACCEPT, (deliver) => {
    const lost = every(3);
    return (...rest) => lost() || deliver(ACCEPT, ...rest);
  }),
  'onAccept twice': onKind(ACCEPT, (deliver) => {
    const again = every(3);
    return (...rest) => {
      deliver(ACCEPT, ...rest);
      if (again()) deliver(ACCEPT, ...rest);
    };
  }),
  'a lost onAcceptError': onKind(ACCEPT_ERROR, () => () => {}),
  'another code in onAcceptError': onKind(
    ACCEPT_ERROR,
    (deliver) => (id, code) => deliver(ACCEPT_ERROR, id, code - 1),
  ),
  'another code of a listen that fails': onKind(
    COMPLETE,
    (deliver) =>
      (id, code, ...rest) =>
        deliver(COMPLETE, id, code === -147 ? -4 : code, ...rest),
  ),
  'an accepted socket that does not look paused': (native) => {
    const accepted = new Set();
    onKind(ACCEPT, (deliver) => (id, code, message, client) => {
      accepted.add(client);
      deliver(ACCEPT, id, code, message, client);
    })(native);
    onCall('getInfo', (getInfo) => (request, socketId) => {
      const info = getInfo(request, socketId);
      return info && accepted.has(socketId) ? { ...info, paused: false } : info;
    })(native);
  },
  'onAccept of a server that is closed': withDelivery((native, deliver) => {
    onCall('closeServer', (closeServer) => (request, socketId) => {
      const result = closeServer(request, socketId);
      setTimeout(() => deliver(ACCEPT, socketId, 0, undefined, socketId + 1), 1);
      return result;
    })(native);
  }),
  'a pause of a server that is ignored': onCall(
    'pauseServer',
    (pauseServer) => (request, socketId) => pauseServer(request, socketId, false),
  ),
  'a server without its address': onCall('getServerInfo', (getServerInfo) => (...args) => {
    const info = getServerInfo(...args);
    return info && { ...info, localAddress: undefined };
  }),
  'a backlog of 0 that is accepted': onCall(
    'listenOn',
    (listenOn) => (request, socketId, address, port, backlog) =>
      listenOn(request, socketId, address, port, backlog || 1),
  ),
};

export const FAULTS = { ...SOCKET_FAULTS, ...SERVER_FAULTS };

/** Plants the fault that the environment names, before the module is loaded. */
export function plant(name = process.env.RANDOM_FAULT) {
  const { instance } = require('../../lib/native/instance.js');
  FAULTS[name](instance.native);
}
