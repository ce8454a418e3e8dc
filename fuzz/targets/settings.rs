#![no_main]

use chrome_sockets_tcp::fuzzing::settings;

libfuzzer_sys::fuzz_target!(|data: &[u8]| settings(data));
