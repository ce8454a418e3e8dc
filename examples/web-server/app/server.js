'use strict';

/** A web server that shows the note of the page, as a Chrome App would write it. */

(function () {
  var tcp = chrome.sockets.tcp;
  var tcpServer = chrome.sockets.tcpServer;

  /** The longest head of a request. */
  var MAX_HEAD = 8192;

  var serverId = null;
  /** The bytes that each connection has sent so far, by socket. */
  var heads = {};

  var element = document.getElementById.bind(document);

  function log(text) {
    var item = document.createElement('li');
    item.textContent = text;
    element('log').appendChild(item);
  }

  function start() {
    tcpServer.create({ name: 'web' }, function (createInfo) {
      serverId = createInfo.socketId;
      var port = Number(element('port').value);
      tcpServer.listen(serverId, element('address').value, port, onListen);
    });
  }

  function onListen() {
    if (chrome.runtime.lastError) {
      log('Not listening: ' + chrome.runtime.lastError.message);
      tcpServer.close(serverId);
      serverId = null;
      return;
    }
    tcpServer.getInfo(serverId, function (info) {
      element('start').disabled = true;
      element('stop').disabled = false;
      log('Listening on http://' + info.localAddress + ':' + info.localPort + '/');
    });
  }

  function stop() {
    tcpServer.close(serverId, function () {
      element('start').disabled = false;
      element('stop').disabled = true;
      log('Stopped');
    });
    serverId = null;
    Object.keys(heads).map(Number).forEach(hangUp);
  }

  function hangUp(socketId) {
    delete heads[socketId];
    tcp.close(socketId);
  }

  tcpServer.onAccept.addListener(function (info) {
    if (info.socketId !== serverId) return;
    heads[info.clientSocketId] = '';
    tcp.setPaused(info.clientSocketId, false);
  });

  tcpServer.onAcceptError.addListener(function (info) {
    if (info.socketId === serverId) log('Accept error ' + info.resultCode);
  });

  tcp.onReceive.addListener(function (info) {
    if (!(info.socketId in heads)) return;
    heads[info.socketId] += String.fromCharCode.apply(null, new Uint8Array(info.data));
    if (heads[info.socketId].indexOf('\r\n\r\n') >= 0) answer(info.socketId);
    else if (heads[info.socketId].length > MAX_HEAD) hangUp(info.socketId);
  });

  tcp.onReceiveError.addListener(function (info) {
    if (info.socketId in heads) hangUp(info.socketId);
  });

  function answer(socketId) {
    var request = heads[socketId].split(' ');
    heads[socketId] = '';
    log(request[0] + ' ' + request[1]);
    var found = request[0] === 'GET' && request[1] === '/';
    var body = new TextEncoder().encode(found ? element('note').value : 'Not found');
    var head =
      'HTTP/1.1 ' +
      (found ? '200 OK' : '404 Not Found') +
      '\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ' +
      body.length +
      '\r\n\r\n';
    var headBytes = new TextEncoder().encode(head);
    var response = new Uint8Array(headBytes.length + body.length);
    response.set(headBytes);
    response.set(body, headBytes.length);
    tcp.send(socketId, response.buffer, function () {
      hangUp(socketId);
    });
  }

  element('stop').addEventListener('click', stop);
  element('listen').addEventListener('submit', function (event) {
    event.preventDefault();
    start();
  });
})();
