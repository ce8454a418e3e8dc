'use strict';

/**
 * `npm run test:portable`: the units beside the Rust code, with the runtime watching each socket as it
 * does where there is no epoll. In a directory of its own, because everything is built anew.
 */

const { spawnSync } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..');
const { status } = spawnSync('cargo', ['test', '--locked'], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    CARGO_TARGET_DIR: path.join(root, 'target', 'portable'),
    RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} --cfg readiness="runtime"`,
  },
});
process.exit(status ?? 1);
