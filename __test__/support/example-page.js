'use strict';

const { join } = require('node:path');
const { startElectron } = require('../../support/electron.js');

/**
 * @param {string} selector
 * @param {string} text
 * @returns {string} Code for a page that waits until an element contains a text, and evaluates to all of its text.
 */
const untilShown = (selector, text) => `new Promise((resolve) => {
  const element = document.querySelector(${JSON.stringify(selector)});
  const look = () =>
    element.innerText.includes(${JSON.stringify(text)}) && resolve(element.innerText);
  new MutationObserver(look).observe(element, { childList: true, subtree: true, characterData: true });
  look();
})`;

/**
 * Starts an example in Electron and waits until its page has loaded.
 *
 * @param {string} main The path of the example's main file.
 */
async function openExample(main) {
  const electron = await startElectron(join(__dirname, '..', 'electron', 'example-app.js'), {
    environment: { EXAMPLE_MAIN: main },
  });
  const next = async () => {
    const message = await electron.next();
    if (message.exited) throw new Error(message.exited);
    return message;
  };
  /**
   * @param {string} code
   * @param {{ picture?: string }} [options] The file for a picture of the page.
   */
  const evaluate = (code, options = {}) => {
    electron.send({ code, ...options });
    return next();
  };
  try {
    expect(await next()).toEqual({ ready: true });
  } catch (error) {
    await electron.close();
    throw error;
  }
  return {
    evaluate,
    shows: (/** @type {string} */ text) => evaluate(untilShown('#log', text)),
    close: () => electron.close(),
  };
}

module.exports = { openExample, untilShown };
