//! The TLS task, over the pipe that it shares with the JavaScript thread.

mod bulk;
#[expect(dead_code, reason = "the models have bounds of their own")]
#[path = "../../src/tls/pipe.rs"]
mod pipe;
