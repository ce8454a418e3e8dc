'use strict';

var CHANNEL = '#salon';
var field = function (id) {
  return document.getElementById(id);
};

function show(text) {
  var item = document.createElement('li');
  item.textContent = text;
  field('log').appendChild(item);
}

function hear(connection, nick, line) {
  var words = line.match(/^:([^ !]+)\S* (\S+) (.*)$/);
  if (!words) return;
  if (words[2] === '001') connection.say('JOIN ' + CHANNEL);
  if (words[2] === 'JOIN') show(chrome.i18n.getMessage('joined', [words[1], CHANNEL]));
  if (words[2] === 'PRIVMSG') show(words[1] + ': ' + words[3].replace(/^.*? :/, ''));
}

chrome.runtime.getBackgroundPage(function (page) {
  var settings = { host: 'localhost', port: '6667', nick: 'visitor' };
  chrome.storage.sync.get(settings, function (stored) {
    Object.keys(settings).forEach(function (id) {
      field(id).value = stored[id];
    });
    document.body.dataset.ready = 'true';
  });
  field('login').addEventListener('submit', function (event) {
    event.preventDefault();
    var nick = field('nick').value;
    chrome.storage.sync.set({ host: field('host').value, port: field('port').value, nick: nick });
    page.connection.onLine = hear.bind(null, page.connection, nick);
    page.connection.open(field('host').value, Number(field('port').value), function (error) {
      if (error) {
        show(chrome.i18n.getMessage('refused', error));
        return;
      }
      page.connection.say('NICK ' + nick);
      page.connection.say('USER ' + nick + ' 0 * :A visitor');
    });
  });
});
