'use strict';

chrome.app.runtime.onLaunched.addListener(function () {
  chrome.app.window.create('shelf.html', { id: 'shelf', innerBounds: { width: 480, height: 300 } });
});

chrome.runtime.onSuspend.addListener(function () {
  if (server.socketId !== null) chrome.sockets.tcpServer.close(server.socketId);
});
