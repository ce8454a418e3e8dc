#![no_main]

use chrome_sockets_tcp::fuzzing::modpow;

libfuzzer_sys::fuzz_target!(|data: &[u8]| modpow(data));
