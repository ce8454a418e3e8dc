'use strict';

// Frames of the MultiWii serial protocol over TCP: $M<, length, command, payload, checksum.

class FlightConnection {
  constructor() {
    this.sockets = chrome.sockets.tcp;
    this.buffer = [];
    this.onAnswer = null;
  }

  open(address, callback) {
    const [, host, port] = address.match(/^tcp:\/\/([^:]+):(\d+)$/);
    this.sockets.create({ bufferSize: 1024 }, ({ socketId }) => {
      this.socketId = socketId;
      this.sockets.connect(socketId, host, Number(port), () => {
        const { lastError } = chrome.runtime;
        if (lastError) {
          callback(lastError.message);
          return;
        }
        this.sockets.onReceive.addListener((info) => this.receive(info));
        this.sockets.setNoDelay(socketId, true, () => callback(null));
      });
    });
  }

  ask(command) {
    const frame = new Uint8Array([0x24, 0x4d, 0x3c, 0, command, command]);
    this.sockets.send(this.socketId, frame.buffer, () => {});
  }

  receive({ socketId, data }) {
    if (socketId !== this.socketId) return;
    this.buffer.push(...new Uint8Array(data));
    while (this.buffer.length >= 6 && this.buffer.length >= 6 + this.buffer[3]) {
      const frame = this.buffer.splice(0, 6 + this.buffer[3]);
      this.onAnswer(frame[4], frame.slice(5, -1));
    }
  }
}
