#![no_main]

use chrome_sockets_tcp::fuzzing::trust;

libfuzzer_sys::fuzz_target!(|data: &[u8]| trust(data));
