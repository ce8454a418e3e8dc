'use strict';

/**
 * Where each API of Chrome Apps is available after a port. The names are those of Chrome's
 * reference, without `chrome.`.
 */

/**
 * @typedef {'here' | 'electron' | 'nowhere'} Where Here is this package; `electron` is Electron, Node
 *   or the Web.
 * @typedef {{ where: Where, as: string }} Verdict
 */

/** @type {(as: string) => Verdict} */
const here = (as) => ({ where: 'here', as });
/** @type {(as: string) => Verdict} */
const electron = (as) => ({ where: 'electron', as });
/** @type {(as: string) => Verdict} */
const nowhere = (as) => ({ where: 'nowhere', as });

const STAND_IN = 'examples/chrome-app stands in for it';
const standIn = electron(STAND_IN);
const browser = nowhere('the browser’s own; an app in Electron has no browser');
const chromeOs = nowhere('ChromeOS only');

/** The verdict on each namespace. @type {Record<string, Verdict>} */
const NAMESPACES = {
  'sockets.tcp': here('chrome-sockets-tcp'),
  'sockets.tcpServer': here('chrome-sockets-tcp/server'),
  'sockets.udp': electron('node:dgram in the main process'),
  socket: electron('rewrite to chrome.sockets.tcp; UDP and servers: node:dgram, node:net'),
  'experimental.socket': electron('rewrite to chrome.sockets.tcp'),

  runtime: electron('ipcMain and ipcRenderer, or code of your own'),

  'app.runtime': standIn,
  'app.window': standIn,
  i18n: standIn,
  extension: browser,
  storage: standIn,

  alarms: electron('setTimeout and setInterval in the background page'),
  audio: electron('navigator.mediaDevices'),
  bluetooth: electron('Web Bluetooth, with select-bluetooth-device in the main process'),
  bluetoothLowEnergy: electron('Web Bluetooth, with select-bluetooth-device in the main process'),
  bluetoothSocket: nowhere('Bluetooth sockets; Web Serial reaches RFCOMM services'),
  browser: electron('shell.openExternal()'),
  clipboard: electron('navigator.clipboard, or the clipboard module'),
  commands: electron('globalShortcut, or accelerators of a Menu'),
  contextMenus: electron('Menu.popup() in the main process'),
  cookies: electron('session.cookies in the main process'),
  desktopCapture: electron('desktopCapturer in the main process'),
  dns: electron('node:dns in the main process'),
  downloads: electron('session.on("will-download") in the main process'),
  fileSystem: electron('dialog.showOpenDialog(), or showOpenFilePicker() of the Web'),
  hid: electron('WebHID, with select-hid-device in the main process'),
  identity: electron('an OAuth flow in a BrowserWindow or in the system’s browser'),
  idle: electron('powerMonitor in the main process'),
  mdns: electron('a multicast DNS library on node:dgram in the main process'),
  mediaGalleries: electron('dialog.showOpenDialog() and node:fs'),
  notifications: electron('Notification of the Web or of Electron'),
  permissions: electron('nothing: the main process decides; all permissions count as granted'),
  power: electron('powerSaveBlocker in the main process'),
  printing: electron('webContents.print()'),
  proxy: electron('session.setProxy()'),
  serial: electron('Web Serial, with select-serial-port in the main process'),
  'system.cpu': electron('node:os'),
  'system.display': electron('screen in the main process'),
  'system.memory': electron('node:os'),
  'system.network': electron('os.networkInterfaces()'),
  'system.storage': electron('node:fs'),
  tts: electron('speechSynthesis of the Web'),
  usb: electron('WebUSB, with select-usb-device in the main process'),
  webRequest: electron('session.webRequest in the main process'),
  webViewRequest: electron('session.webRequest in the main process'),

  accessibilityFeatures: chromeOs,
  certificateProvider: chromeOs,
  documentScan: chromeOs,
  'enterprise.deviceAttributes': chromeOs,
  'enterprise.platformKeys': chromeOs,
  fileBrowserHandler: chromeOs,
  fileSystemProvider: chromeOs,
  'input.ime': chromeOs,
  instanceID: nowhere('Google Cloud Messaging has ended'),
  gcm: nowhere('Google Cloud Messaging has ended'),
  pushMessaging: nowhere('Google Cloud Messaging has ended'),
  'networking.config': chromeOs,
  'networking.onc': chromeOs,
  platformKeys: chromeOs,
  printerProvider: chromeOs,
  syncFileSystem: nowhere('a server of your own'),
  virtualKeyboard: chromeOs,
  vpnProvider: chromeOs,
  wallpaper: chromeOs,
  analytics: nowhere('the library for analytics that Chrome Apps used'),
  cast: nowhere('Google’s Cast extension'),
  app: browser,
  bookmarks: browser,
  browserAction: browser,
  action: browser,
  browsingData: browser,
  declarativeContent: browser,
  devtools: browser,
  experimental: browser,
  fontSettings: browser,
  history: browser,
  management: browser,
  metricsPrivate: browser,
  omnibox: browser,
  pageAction: browser,
  scripting: browser,
  sessions: browser,
  tabs: electron('BrowserWindow, or shell.openExternal()'),
  topSites: browser,
  webNavigation: browser,
  webstore: browser,
  windows: electron('BrowserWindow'),
};

/** The members whose verdict is not that of their namespace. @type {Record<string, Verdict>} */
const MEMBERS = {
  'runtime.lastError': here('chrome-sockets-tcp'),
  'runtime.id': here('chrome-sockets-tcp'),
  'runtime.getManifest': standIn,
  'runtime.getURL': standIn,
  'runtime.getBackgroundPage': standIn,
  'runtime.getPlatformInfo': standIn,
  'runtime.onInstalled': standIn,
  'runtime.onStartup': standIn,
  'runtime.onSuspend': standIn,
  'runtime.reload': standIn,
  'runtime.connectNative': electron('node:child_process in the main process'),
  'runtime.sendNativeMessage': electron('node:child_process in the main process'),
  'runtime.requestUpdateCheck': electron('autoUpdater of Electron'),
  'runtime.onUpdateAvailable': electron('autoUpdater of Electron'),
  'runtime.sendMessage': electron('BroadcastChannel between windows of the app'),
  'runtime.onMessage': electron('BroadcastChannel between windows of the app'),
  'runtime.connect': electron('BroadcastChannel or MessageChannel between windows of the app'),
  'runtime.onConnect': electron('BroadcastChannel or MessageChannel between windows of the app'),
  'runtime.onMessageExternal': browser,
  'runtime.onConnectExternal': browser,
  'runtime.getPackageDirectoryEntry': electron('fetch(chrome.runtime.getURL(path))'),
  'extension.getURL': electron('chrome.runtime.getURL'),
  'extension.getBackgroundPage': electron('chrome.runtime.getBackgroundPage'),
  'storage.managed': nowhere('policies of an administrator; read a file of your own'),
};

/** Of NW.js, without `nw.`. @type {Record<string, Verdict>} */
const NW = {
  App: electron('app of Electron'),
  Clipboard: electron('clipboard of Electron'),
  Menu: electron('Menu of Electron'),
  MenuItem: electron('MenuItem of Electron'),
  Screen: electron('screen and desktopCapturer of Electron'),
  Shell: electron('shell of Electron'),
  Shortcut: electron('globalShortcut of Electron'),
  Tray: electron('Tray of Electron'),
  Window: electron('BrowserWindow of Electron'),
  global: electron('globalThis of the window'),
  process: electron('process in the main process'),
  require: electron('require in the main process'),
};

/**
 * @typedef {object} Api
 * @property {string} name With its root: `chrome.sockets.tcp.create`, or a namespace alone.
 * @property {boolean} isMember Whether it is a member of a namespace, not the namespace itself.
 * @property {boolean} isKnown
 * @property {Verdict} verdict
 */

/**
 * @param {string} path Such as `chrome.sockets.tcp.onReceive.addListener`.
 * @returns {Api | undefined} undefined for a part of a namespace's name, such as `chrome.sockets`.
 */
function classify(path) {
  const [root, ...segments] = path.split('.');
  if (segments.length === 0) return undefined;
  if (root === 'nw') {
    const verdict = NW[segments[0]] ?? electron('code of your own in the main process');
    return { name: `nw.${segments[0]}`, isMember: true, isKnown: true, verdict };
  }
  const first = (/** @type {number} */ length) => segments.slice(0, length).join('.');
  for (let length = segments.length; length > 0; length--) {
    if (!Object.hasOwn(NAMESPACES, first(length))) continue;
    const member = first(length + 1);
    return {
      name: `${root}.${member}`,
      isMember: segments.length > length,
      isKnown: true,
      verdict: Object.hasOwn(MEMBERS, member) ? MEMBERS[member] : NAMESPACES[first(length)],
    };
  }
  const isPart = Object.keys(NAMESPACES).some((name) => name.startsWith(`${path.slice(7)}.`));
  if (isPart) return undefined;
  return {
    name: `${root}.${first(2)}`,
    isMember: segments.length > 1,
    isKnown: false,
    verdict: nowhere('unknown to this tool: not in the reference of Chrome Apps'),
  };
}

module.exports = { classify };
