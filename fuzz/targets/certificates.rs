#![no_main]

use chrome_sockets_tcp::fuzzing::certificates;

libfuzzer_sys::fuzz_target!(|data: &[u8]| certificates(data));
