#![no_main]

use chrome_sockets_tcp::fuzzing::signature;

libfuzzer_sys::fuzz_target!(|data: &[u8]| signature(data));
