'use strict';

var tcp = chrome.sockets.tcp;
var socketId = null;
var pending = '';

function $(id) {
  return document.getElementById(id);
}

function show(text, kind) {
  var line = document.createElement('li');
  line.textContent = text;
  line.className = kind || '';
  $('log').appendChild(line);
  line.scrollIntoView();
}

function send(line) {
  var data = new TextEncoder().encode(line + '\r\n').buffer;
  tcp.send(socketId, data, function (info) {
    if (chrome.runtime.lastError) {
      show(chrome.runtime.lastError.message + ' ' + info.resultCode, 'error');
    }
  });
}

function setConnected(connected) {
  $('connect').textContent = connected ? 'Disconnect' : 'Connect';
  $('text').disabled = !connected;
  if (connected) $('text').focus();
}

function hangUp() {
  if (socketId !== null) tcp.close(socketId);
  socketId = null;
  setConnected(false);
}

function dial() {
  var host = $('host').value;
  var port = Number($('port').value);
  tcp.create({ name: 'irc' }, function (created) {
    socketId = created.socketId;
    pending = '';
    show('Connecting to ' + host + ':' + port, 'status');
    tcp.connect(socketId, host, port, function () {
      if (chrome.runtime.lastError) {
        show('Not connected: ' + chrome.runtime.lastError.message, 'error');
        hangUp();
        return;
      }
      setConnected(true);
      send('NICK ' + $('nick').value);
      send('USER ' + $('nick').value + ' 0 * :A visitor');
    });
  });
}

function hear(line) {
  var words = line.match(/^(?::([^ !]+)\S* )?(\S+) ?(.*)$/);
  if (!words) return;
  var from = words[1];
  var text = words[3].replace(/^.*? ?:/, '');
  switch (words[2]) {
    case 'PING':
      send('PONG :' + text);
      break;
    case '001':
      show(text, 'status');
      send('JOIN ' + $('channel').value);
      break;
    case 'JOIN':
      show(from + ' is in ' + words[3].replace(':', ''), 'status');
      break;
    case 'PRIVMSG':
      show(from + ': ' + text);
      break;
    default:
      show(text, 'status');
  }
}

tcp.onReceive.addListener(function (info) {
  if (info.socketId !== socketId) return;
  var lines = (pending + new TextDecoder().decode(info.data)).split('\r\n');
  pending = lines.pop();
  lines.forEach(hear);
});

tcp.onReceiveError.addListener(function (info) {
  if (info.socketId !== socketId) return;
  show('The connection has ended (' + info.resultCode + ')', 'error');
  hangUp();
});

$('login').addEventListener('submit', function (event) {
  event.preventDefault();
  if (socketId === null) dial();
  else hangUp();
});

$('say').addEventListener('submit', function (event) {
  event.preventDefault();
  var text = $('text').value;
  if (!text || socketId === null) return;
  send('PRIVMSG ' + $('channel').value + ' :' + text);
  show($('nick').value + ': ' + text, 'own');
  $('text').value = '';
});
