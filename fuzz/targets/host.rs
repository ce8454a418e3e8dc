#![no_main]

use chrome_sockets_tcp::fuzzing::host;

libfuzzer_sys::fuzz_target!(|data: &[u8]| host(data));
