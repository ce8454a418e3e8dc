/** The temporary extension's service worker. */

import { createPerformer } from './performer.mjs';

globalThis.randomConformance = {
  /** Connects to the driver. */
  open(address) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(address);
      const take = createPerformer({ ...chrome.sockets, runtime: chrome.runtime }, (message) =>
        socket.send(JSON.stringify(message)),
      );
      socket.onmessage = ({ data }) => take(JSON.parse(data));
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error('no connection to the driver'));
    });
  },
};
