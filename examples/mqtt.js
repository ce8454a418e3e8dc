'use strict';

/** node examples/mqtt.js host port topic message: publishes, once its own subscription has it. */

const { connect } = require('chrome-sockets-tcp/duplex');
const { MqttClient } = require('mqtt');

const [host, port, topic, message] = process.argv.slice(2);
const client = new MqttClient(() => connect({ host, port }), { reconnectPeriod: 0 });

client.on('connect', async () => {
  await client.subscribeAsync(topic);
  await client.publishAsync(topic, message);
});
client.on('message', async (from, payload) => {
  console.log(`${from}: ${payload}`);
  await client.endAsync();
});
client.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
