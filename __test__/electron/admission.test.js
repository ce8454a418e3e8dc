'use strict';

// The documents that get the API in a real Electron.

const {
  LOOPBACK,
  ask,
  describeElectron,
  evaluate,
  newApplication,
  newName,
  openWindow,
} = require('../support/electron-windows.js');

describeElectron('serve() admits documents by a list:', () => {
  const has = "typeof chrome === 'object' && 'sockets' in chrome";
  const exists = (window) => ask('evaluateNow', window, has);

  test.each([
    ["window.open('')"],
    ["window.open('about:blank')"],
    [`window.open("javascript:'<p>written by the opener'")`],
    ["window.open(URL.createObjectURL(new Blob(['<p>'], { type: 'text/html' })))"],
    ["window.open('data:text/html,<p>')"],
    ["window.open('').document.write('<script>1</script>')"],
  ])('it refuses documents of %s, whatever page opens them', async (code) => {
    const partition = await newApplication();
    const window = await openWindow(partition);
    expect(await exists(window)).toBe(true);
    await ask('allowPopups', window, {});
    const web = `http://127.0.0.1:${await ask('startWeb')}/`;
    let opened = 0;
    for (const url of [undefined, web]) {
      if (url) await ask('loadURL', window, url);
      const popup = newName('window');
      // The first page's content security policy forbids some.
      if (!(await ask('popup', window, code, popup))) continue;
      opened += 1;
      expect(await exists(popup)).toBe(false);
      await ask('close', popup);
    }
    expect(opened).toBeGreaterThan(0);
  });

  test('it refuses every frame and every popup of a frame', async () => {
    const partition = await newApplication();
    const window = await openWindow(partition, { nodeIntegrationInSubFrames: true });
    await ask('allowPopups', window, { nodeIntegrationInSubFrames: true });
    const web = `http://127.0.0.1:${await ask('startWeb')}/`;
    await evaluate(
      window,
      `Promise.all([
        ['src', '${web}'],
        ['srcdoc', '<p>'],
        ['src', 'page.html'],
        ['src', 'page.html', 'allow-scripts'],
        ['src', 'about:blank'],
      ].map(([name, value, sandbox]) => new Promise((resolve) => {
        const frame = document.createElement('iframe');
        if (sandbox) frame.sandbox = sandbox;
        frame[name] = value;
        frame.onload = resolve;
        document.body.append(frame);
      }))).then(() => {})`,
    );
    const frames = await ask('evaluateInFrames', window, has);
    expect(frames).toEqual(Array(frames.length).fill(false));
    // Electron 25 cannot look into the frame from the web.
    expect([4, 5]).toContain(frames.length);
    const opened = await ask(
      'evaluateInFrames',
      window,
      `(() => {
        const popup = window.open("javascript:'<p>'");
        try {
          return Boolean(popup?.chrome?.sockets);
        } catch {
          return 'out of reach';
        }
      })()`,
    );
    expect(opened).not.toContain(true);
  });

  test('it refuses error pages and sandboxed documents', async () => {
    const partition = newName('application');
    await ask('serve', partition, LOOPBACK, undefined, { pages: 'return true' });
    const window = await openWindow(partition);
    expect(await exists(window)).toBe(true);
    expect(await ask('failToLoad', window, 'file:///does/not/exist.html')).toBe(true);
    expect(await exists(window)).toBe(false);
    const web = `http://127.0.0.1:${await ask('startWeb')}`;
    await ask('loadURL', window, `${web}/sandboxed`);
    expect(await exists(window)).toBe(false);
    await ask('loadURL', window, `${web}/`);
    expect(await exists(window)).toBe(true);
  });

  test('it admits documents of a named scheme', async () => {
    const partition = newName('application');
    await ask('serve', partition, LOOPBACK, undefined, { schemes: ['app', 'odd'] });
    const window = await openWindow(partition);
    for (const [scheme, expected] of [
      ['app', true],
      // It was not registered as a standard scheme, so its documents have no origin.
      ['odd', false],
    ]) {
      await ask('registerScheme', partition, scheme);
      await ask('loadURL', window, `${scheme}://host/page.html`);
      expect(await exists(window)).toBe(expected);
    }
    const other = await newApplication();
    const unnamed = await openWindow(other);
    await ask('registerScheme', other, 'app');
    await ask('loadURL', unnamed, 'app://host/page.html');
    expect(await exists(unnamed)).toBe(false);
  });

  test.each([
    ["return url === origin + '/'", true],
    ['return origin.length', false],
    ['return Promise.resolve(true)', false],
    ["throw new Error('by\\u001b[31m design')", false],
  ])('pages() { %s } admits a document of the web: %s', async (pages, expected) => {
    const partition = newName('application');
    await ask('serve', partition, LOOPBACK, undefined, { pages });
    const window = await openWindow(partition);
    await ask('loadURL', window, `http://127.0.0.1:${await ask('startWeb')}/`);
    expect(await exists(window)).toBe(expected);
    const warnings = await ask('takeWarnings');
    const about = warnings.filter((text) => text.includes('serve: pages: '));
    const thrown = 'chrome-sockets-tcp: serve: pages: Error: by\\u001b[31m design';
    expect(about).toEqual(pages.startsWith('throw') ? [thrown] : []);
  });
});
