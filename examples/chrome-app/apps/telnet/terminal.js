'use strict';

var screen_ = document.getElementById('screen');
var client = null;

function print(text) {
  screen_.textContent += text;
  screen_.scrollTop = screen_.scrollHeight;
}

function open_(host, port) {
  client = new TcpClient(host, port);
  client.onText = print;
  client.onEnd = function (code) {
    print('\n[closed ' + code + ']\n');
    client = null;
  };
  client.connect(function (error) {
    print(error ? '[' + error + ']\n' : '[connected to ' + host + ']\n');
    if (error) client = null;
  });
}

document.getElementById('prompt').addEventListener('submit', function (event) {
  event.preventDefault();
  var input = document.getElementById('line');
  var line = input.value;
  var words = line.split(' ');
  input.value = '';
  print('> ' + line + '\n');
  if (client) client.sendLine(line);
  else if (words[0] === 'open') open_(words[1], Number(words[2]));
  else print('[not connected]\n');
});

print(chrome.runtime.getManifest().name + ' ' + chrome.runtime.getManifest().version + '\n');
