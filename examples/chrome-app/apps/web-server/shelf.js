'use strict';

chrome.runtime.getBackgroundPage(function (page) {
  var server = page.server;
  chrome.storage.local.get({ port: 0 }, function (stored) {
    server.start(stored.port, function (error) {
      var text = error ? 'Not listening: ' + error : 'Listening on 127.0.0.1:' + server.port;
      document.getElementById('state').textContent = text;
    });
  });
  server.onServed = function (path) {
    var item = document.createElement('li');
    item.textContent = path;
    document.getElementById('log').appendChild(item);
  };
});
