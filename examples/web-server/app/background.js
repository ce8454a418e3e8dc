'use strict';

chrome.app.runtime.onLaunched.addListener(function () {
  chrome.app.window.create('index.html', {
    id: 'pinboard',
    innerBounds: { width: 640, height: 440 },
  });
});
