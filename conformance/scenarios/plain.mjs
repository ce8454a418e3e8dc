export default [
  {
    name: 'a conversation: create, connect, send, receive, close',
    server: (peer) => peer.echo(),
    async run({ call, port, bytes, received, quiet }) {
      const { value } = await call('create', { name: 'first' });
      const id = value.socketId;
      await call('connect', id, '127.0.0.1', port);
      await call('getInfo', id);
      await call('send', id, bytes('hello'));
      await received(id, 5);
      await call('close', id);
      await quiet();
      await call('getInfo', id);
    },
  },
];
