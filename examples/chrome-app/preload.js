'use strict';

/**
 * Stands in for the APIs of a Chrome App beside chrome.sockets. The page keeps its sandbox and its
 * isolation: this script runs in a world of its own, and hands the function below to the page's
 * world before the page's first script. Callbacks come later, as in Chrome. Extend it to the APIs
 * that your app uses.
 */

const { ipcRenderer, webFrame } = require('electron');

const data = ipcRenderer.sendSync('chrome-app:data');
addEventListener('chrome-app:window', (/** @type {any} */ { detail }) => {
  ipcRenderer.send('chrome-app:window', String(detail));
});
if (data) void webFrame.executeJavaScript(`(${standIn})(${JSON.stringify(data)})`);

/** Runs in the page, so it uses nothing from outside of itself. */
function standIn({ id, manifest, messages, locale, os }) {
  const chrome = (window.chrome ??= {});
  const later = (callback, ...args) => callback && setTimeout(callback, 0, ...args);

  function createEvent() {
    const listeners = new Set();
    return {
      addListener: (listener) => void listeners.add(listener),
      removeListener: (listener) => void listeners.delete(listener),
      hasListener: (listener) => listeners.has(listener),
      hasListeners: () => listeners.size > 0,
      dispatch: (...args) => [...listeners].forEach((listener) => listener(...args)),
    };
  }

  // ---- chrome.runtime. The background page is the window that has opened all others.
  let background = window;
  while (background.opener) background = background.opener;
  const getURL = (path) => new URL(path, `${location.protocol}//${id}/`).href;
  const runtime = (chrome.runtime ??= {});
  Object.assign(runtime, { id, getURL, getManifest: () => structuredClone(manifest) });
  runtime.getBackgroundPage = (callback) => later(callback, background);
  runtime.getPlatformInfo = (callback) => {
    later(callback, { os: { darwin: 'mac', win32: 'win' }[os] ?? os, arch: 'x86-64' });
  };
  runtime.reload = () => background.location.reload();
  for (const name of ['onInstalled', 'onStartup', 'onSuspend', 'onUpdateAvailable']) {
    runtime[name] = createEvent();
  }
  addEventListener('chrome-app:suspend', () => runtime.onSuspend.dispatch());

  // ---- chrome.storage, in localStorage, which all windows of the app share.
  function createArea(area) {
    const prefix = `chrome.storage.${area}.`;
    const names = (keys) => (typeof keys === 'string' ? [keys] : keys);
    const read = (key) => JSON.parse(localStorage.getItem(prefix + key) ?? 'null');
    const all = () => Object.keys(localStorage).filter((name) => name.startsWith(prefix));
    const stored = () => all().map((name) => name.slice(prefix.length));
    function write(changes, callback) {
      const changed = {};
      for (const [key, newValue] of changes) {
        const text = JSON.stringify(newValue);
        changed[key] = { oldValue: read(key) ?? undefined, newValue };
        if (text === undefined) localStorage.removeItem(prefix + key);
        else localStorage.setItem(prefix + key, text);
      }
      if (changes.length > 0) later(chrome.storage.onChanged.dispatch, changed, area);
      later(callback);
    }
    addEventListener('storage', ({ key, oldValue, newValue }) => {
      if (!key?.startsWith(prefix)) return;
      const parse = (text) => (text === null ? undefined : JSON.parse(text));
      const change = { oldValue: parse(oldValue), newValue: parse(newValue) };
      chrome.storage.onChanged.dispatch({ [key.slice(prefix.length)]: change }, area);
    });
    return {
      get(keys, callback = keys) {
        const wanted = typeof keys === 'function' || keys === null ? stored() : keys;
        const defaults = typeof wanted === 'object' && !Array.isArray(wanted) ? wanted : {};
        const list = Array.isArray(wanted) ? wanted : names(Object.keys(defaults));
        const found = typeof wanted === 'string' ? [wanted] : list;
        const known = stored();
        const items = found.filter((key) => known.includes(key)).map((key) => [key, read(key)]);
        later(callback, { ...structuredClone(defaults), ...Object.fromEntries(items) });
      },
      set: (items, callback) => write(Object.entries(items), callback),
      remove: (keys, callback) =>
        write(
          names(keys).map((key) => [key]),
          callback,
        ),
      clear: (callback) =>
        write(
          stored().map((key) => [key]),
          callback,
        ),
    };
  }
  chrome.storage = {
    onChanged: createEvent(),
    local: createArea('local'),
    sync: createArea('sync'),
  };

  // ---- chrome.i18n
  const own = { '@@extension_id': id, '@@ui_locale': locale.replace('-', '_') };
  const found = Object.entries(messages).map(([name, value]) => [name.toLowerCase(), value]);
  const texts = new Map(found);
  chrome.i18n = {
    getUILanguage: () => locale,
    getAcceptLanguages: (callback) => later(callback, [...navigator.languages]),
    getMessage(name, substitutions = []) {
      const { message = own[name] ?? '', placeholders = {} } = texts.get(name.toLowerCase()) ?? {};
      const values = [substitutions].flat();
      const contents = Object.entries(placeholders).map(([key, { content }]) => [
        key.toLowerCase(),
        content,
      ]);
      const named = message.replace(
        /\$(\w+)\$/g,
        (whole, key) => new Map(contents).get(key.toLowerCase()) ?? whole,
      );
      return named
        .replace(/\$([1-9])/g, (_whole, number) => String(values[number - 1] ?? ''))
        .replace(/\$\$/g, '$');
    },
  };

  // ---- chrome.app.window and chrome.app.runtime. All windows share the list of the background page.
  const shared = (background[Symbol.for('chrome-app')] ??= {
    windows: new Map(),
    waiting: new Map(),
  });
  const current = { contentWindow: window, id: window.name };
  for (const command of ['focus', 'hide', 'maximize', 'minimize', 'restore', 'show']) {
    current[command] = () =>
      dispatchEvent(new CustomEvent('chrome-app:window', { detail: command }));
  }
  current.close = () => window.close();
  current.onClosed = createEvent();
  addEventListener('pagehide', () => {
    shared.windows.delete(window.name);
    current.onClosed.dispatch();
  });
  chrome.app = {
    runtime: { onLaunched: createEvent(), onRestarted: createEvent() },
    window: {
      create(page, options, callback = options) {
        const { id: name = `window-${Math.random()}`, frame, hidden, ...rest } = Object(options);
        const known = shared.windows.get(name);
        if (known) known.focus();
        if (known) return later(callback, known);
        const {
          width = 512,
          height = 384,
          left,
          top,
        } = { ...rest.bounds, ...rest.outerBounds, ...rest.innerBounds };
        const features = { width, height, left, top, useContentSize: Boolean(rest.innerBounds) };
        features.show = !hidden;
        features.frame = frame !== 'none';
        const given = Object.entries(features).filter(([, value]) => value !== undefined);
        shared.waiting.set(name, typeof callback === 'function' ? callback : undefined);
        window.open(getURL(page), name, given.map((pair) => pair.join('=')).join());
      },
      current: () => current,
      get: (name) => shared.windows.get(name) ?? null,
      getAll: () => [...shared.windows.values()],
    },
  };
  if (window === background) {
    addEventListener('load', () => later(chrome.app.runtime.onLaunched.dispatch, {}));
  } else {
    shared.windows.set(window.name, current);
    // The creator's callback runs before the page's scripts, and may leave variables for them.
    shared.waiting.get(window.name)?.(current);
    shared.waiting.delete(window.name);
  }
}
