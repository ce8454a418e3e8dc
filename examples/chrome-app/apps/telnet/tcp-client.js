'use strict';

(function (exports) {
  var tcp = chrome.sockets.tcp;

  function TcpClient(host, port) {
    this.host = host;
    this.port = port;
    this.socketId = null;
    this.onText = null;
    this.onEnd = null;
    this.decoder = new TextDecoder();
    this.receive_ = this.receive_.bind(this);
    this.fail_ = this.fail_.bind(this);
  }

  TcpClient.prototype.connect = function (callback) {
    var self = this;
    tcp.create({}, function (created) {
      self.socketId = created.socketId;
      tcp.onReceive.addListener(self.receive_);
      tcp.onReceiveError.addListener(self.fail_);
      tcp.connect(self.socketId, self.host, self.port, function (result) {
        if (chrome.runtime.lastError) {
          callback(chrome.runtime.lastError.message, result);
          self.disconnect();
        } else {
          callback(null, result);
        }
      });
    });
  };

  TcpClient.prototype.sendLine = function (line) {
    var bytes = new TextEncoder().encode(line + '\r\n');
    tcp.send(this.socketId, bytes.buffer, function () {});
  };

  TcpClient.prototype.disconnect = function () {
    tcp.onReceive.removeListener(this.receive_);
    tcp.onReceiveError.removeListener(this.fail_);
    tcp.close(this.socketId);
  };

  TcpClient.prototype.receive_ = function (info) {
    if (info.socketId === this.socketId) {
      this.onText(this.decoder.decode(info.data, { stream: true }));
    }
  };

  TcpClient.prototype.fail_ = function (info) {
    if (info.socketId !== this.socketId) return;
    this.disconnect();
    this.onEnd(info.resultCode);
  };

  exports.TcpClient = TcpClient;
})(window);
