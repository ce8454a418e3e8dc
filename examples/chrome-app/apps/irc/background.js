'use strict';

chrome.app.runtime.onLaunched.addListener(function () {
  chrome.app.window.create('salon.html', { id: 'salon', innerBounds: { width: 560, height: 360 } });
});

chrome.runtime.onSuspend.addListener(function () {
  if (connection.socketId !== null) chrome.sockets.tcp.close(connection.socketId);
  chrome.storage.local.set({ suspended: true });
});
