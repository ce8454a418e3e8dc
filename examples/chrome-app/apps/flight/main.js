'use strict';

const VARIANT = 2;
const connection = new FlightConnection();
const status_ = document.getElementById('status');

connection.onAnswer = (command, payload) => {
  if (command === VARIANT) status_.textContent = `Firmware: ${String.fromCharCode(...payload)}`;
};

chrome.storage.local.get('address', ({ address }) => {
  document.getElementById('address').value = address || 'tcp://localhost:5761';
});

document.getElementById('connect').addEventListener('submit', (event) => {
  event.preventDefault();
  const address = document.getElementById('address').value;
  chrome.storage.local.set({ address });
  connection.open(address, (error) => {
    if (error) status_.textContent = `Not connected: ${error}`;
    else connection.ask(VARIANT);
  });
});
