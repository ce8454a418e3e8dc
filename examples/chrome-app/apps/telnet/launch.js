'use strict';

chrome.app.runtime.onLaunched.addListener(function () {
  chrome.app.window.create('terminal.html', {
    id: 'terminal',
    innerBounds: { width: 620, height: 400 },
  });
});
