'use strict';

/* global chrome */

/**
 * A Chrome App's networking code: it contains no code for Node. It uses IRC without TLS, sends a
 * mail over SMTP with STARTTLS, and fetches a page over TLS.
 *
 * Settings come from where this app keeps them; the rest is `chrome.sockets.tcp`.
 */
const { host, ports } = JSON.parse(process.env.DEMO_SETTINGS);

/** The receiver of each socket's bytes. */
const receivers = new Map();

chrome.sockets.tcp.onReceive.addListener(({ socketId, data }) => {
  receivers.get(socketId)?.received(new TextDecoder().decode(data));
});

chrome.sockets.tcp.onReceiveError.addListener(({ socketId, resultCode }) => {
  receivers.get(socketId)?.ended(resultCode);
});

function show(who, text) {
  for (const line of text.trimEnd().split('\r\n')) console.log(`  ${who} ${line}`);
}

function check(what, result) {
  if (chrome.runtime.lastError) {
    throw new Error(`${what}: ${chrome.runtime.lastError.message} (${result})`);
  }
}

/**
 * One conversation: sends a line whenever the server has sent the expected text.
 *
 * @param {string} title
 * @param {number} port
 * @param {'plain' | 'starttls' | 'tls'} security
 * @param {{ after: string | null, say: string }[]} script
 * @param {() => void} done
 */
function converse(title, port, security, script, done) {
  let steps = script;
  let unread = '';

  chrome.sockets.tcp.create({ name: title }, ({ socketId }) => {
    console.log(`\n${title}`);

    const say = (text) => {
      show('→', text);
      chrome.sockets.tcp.send(socketId, new TextEncoder().encode(text).buffer, (info) =>
        check('send', info?.resultCode),
      );
    };

    const next = () => {
      while (steps.length > 0 && (steps[0].after === null || unread.includes(steps[0].after))) {
        const [{ say: text }] = steps;
        steps = steps.slice(1);
        unread = '';
        if (text === 'STARTTLS\r\n') {
          // The read in flight delivers the server's go-ahead; after that, the socket does not
          // read.
          chrome.sockets.tcp.setPaused(socketId, true, () => say(text));
          steps = [{ after: '220', say: 'secure' }, ...steps];
        } else if (text === 'secure') {
          secure();
          return;
        } else {
          say(text);
        }
      }
    };

    const secure = () => {
      chrome.sockets.tcp.secure(socketId, (result) => {
        check('secure', result);
        console.log('    (secured)');
        chrome.sockets.tcp.setPaused(socketId, false, next);
      });
    };

    receivers.set(socketId, {
      received(text) {
        show('←', text);
        unread += text;
        next();
      },
      ended(resultCode) {
        console.log(`    (the server has closed: ${resultCode})`);
        receivers.delete(socketId);
        chrome.sockets.tcp.close(socketId, done);
      },
    });

    const connect = () => {
      chrome.sockets.tcp.connect(socketId, host, port, (result) => {
        check('connect', result);
        chrome.sockets.tcp.getInfo(socketId, ({ peerAddress, peerPort }) => {
          console.log(`    (connected to ${peerAddress}:${peerPort})`);
          if (security === 'tls') secure();
          else next();
        });
      });
    };

    // A socket must not be reading when it is secured.
    if (security === 'tls') chrome.sockets.tcp.setPaused(socketId, true, connect);
    else connect();
  });
}

function talkIrc(done) {
  const script = [
    { after: null, say: 'NICK visitor\r\nUSER visitor 0 * :A Chrome App\r\n' },
    { after: '001', say: 'JOIN #demo\r\n' },
    { after: 'PING', say: 'PONG :still there?\r\n' },
    { after: 'PRIVMSG', say: 'QUIT :Bye\r\n' },
  ];
  converse('IRC, in the clear', ports.irc, 'plain', script, done);
}

function sendMail(done) {
  const script = [
    { after: '220', say: 'EHLO visitor\r\n' },
    { after: '250 STARTTLS', say: 'STARTTLS\r\n' },
    { after: null, say: 'EHLO visitor\r\n' },
    { after: '250', say: 'MAIL FROM:<visitor@demo>\r\n' },
    { after: '250', say: 'RCPT TO:<guide@demo>\r\n' },
    { after: '250', say: 'DATA\r\n' },
    { after: '354', say: 'Subject: Hello\r\n\r\nIt works.\r\n.\r\n' },
    { after: '250 Queued', say: 'QUIT\r\n' },
  ];
  converse('SMTP with STARTTLS', ports.smtp, 'starttls', script, done);
}

function fetchPage(done) {
  const script = [{ after: null, say: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n` }];
  converse('HTTPS', ports.https, 'tls', script, done);
}

talkIrc(() => sendMail(() => fetchPage(() => console.log('\nAll said.'))));
