#![no_main]

use chrome_sockets_tcp::fuzzing::handshake;

libfuzzer_sys::fuzz_target!(|data: &[u8]| handshake(data));
