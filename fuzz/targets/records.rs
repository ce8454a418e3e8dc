#![no_main]

use chrome_sockets_tcp::fuzzing::records;

libfuzzer_sys::fuzz_target!(|data: &[u8]| records(data));
