#![no_main]

use chrome_sockets_tcp::fuzzing::power;

libfuzzer_sys::fuzz_target!(|data: &[u8]| power(data));
