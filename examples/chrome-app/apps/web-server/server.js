'use strict';

// An HTTP server in the background page: it outlives the window.

var server = { socketId: null, port: 0, served: 0, onServed: null, pending: {} };

server.start = function (port, callback) {
  var tcpServer = chrome.sockets.tcpServer;
  tcpServer.create({ name: 'shelf' }, function (created) {
    server.socketId = created.socketId;
    tcpServer.listen(server.socketId, '127.0.0.1', port, 16, function (result) {
      if (result < 0) {
        callback(chrome.runtime.lastError.message);
        return;
      }
      tcpServer.getInfo(server.socketId, function (info) {
        server.port = info.localPort;
        callback(null);
      });
    });
  });
};

server.answer = function (socketId, path) {
  var isKnown = path === '/';
  var body = isKnown ? '<h1>Shelf</h1>' : 'not found: ' + path;
  var head = [
    'HTTP/1.1 ' + (isKnown ? '200 OK' : '404 Not Found'),
    'Content-Type: text/html',
    'Content-Length: ' + body.length,
    'Connection: close',
  ];
  var text = head.join('\r\n') + '\r\n\r\n' + body;
  chrome.sockets.tcp.send(socketId, new TextEncoder().encode(text).buffer, function () {
    chrome.sockets.tcp.close(socketId);
  });
  server.served++;
  if (server.onServed) server.onServed(path);
};

chrome.sockets.tcpServer.onAccept.addListener(function (info) {
  if (info.socketId !== server.socketId) return;
  server.pending[info.clientSocketId] = '';
  chrome.sockets.tcp.setPaused(info.clientSocketId, false);
});

chrome.sockets.tcp.onReceive.addListener(function (info) {
  if (!(info.socketId in server.pending)) return;
  server.pending[info.socketId] += new TextDecoder().decode(info.data);
  var request = server.pending[info.socketId];
  if (request.indexOf('\r\n\r\n') < 0) return;
  delete server.pending[info.socketId];
  server.answer(info.socketId, request.split(' ')[1]);
});

chrome.sockets.tcp.onReceiveError.addListener(function (info) {
  if (!(info.socketId in server.pending)) return;
  delete server.pending[info.socketId];
  chrome.sockets.tcp.close(info.socketId);
});
