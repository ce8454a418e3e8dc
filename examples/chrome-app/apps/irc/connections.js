'use strict';

// The connection lives in the background page, so that it outlives the window.

var connection = { socketId: null, pending: '', onLine: null };

connection.open = function (host, port, callback) {
  chrome.sockets.tcp.create({ name: 'irc' }, function (created) {
    connection.socketId = created.socketId;
    chrome.sockets.tcp.connect(created.socketId, host, port, function () {
      callback(chrome.runtime.lastError && chrome.runtime.lastError.message);
    });
  });
};

connection.say = function (line) {
  var data = new TextEncoder().encode(line + '\r\n').buffer;
  chrome.sockets.tcp.send(connection.socketId, data, function () {});
};

chrome.sockets.tcp.onReceive.addListener(function (info) {
  if (info.socketId !== connection.socketId) return;
  var lines = (connection.pending + new TextDecoder().decode(info.data)).split('\r\n');
  connection.pending = lines.pop();
  lines.forEach(function (line) {
    if (line.indexOf('PING') === 0) connection.say('PONG' + line.slice(4));
    else if (connection.onLine) connection.onLine(line);
  });
});
