//! Records that Chromium refuses or skips and rustls does not (`boringssl/ssl/tls_record.cc`).

use rustls::AlertDescription;
use tokio::io::ReadBuf;

use super::hello::{self, Hello};
use super::refused::Refused;
use crate::net_error::{HandshakeProgress, NetError};
use crate::tls::framing::{Framed, HANDSHAKE, HEADER, Header, RecordFramer, VERSION_OF_ENCRYPTED};

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;

/// The first byte of every version.
const MAJOR_VERSION: u8 = 3;

/// The content length of the longest record that is checked as a whole: a plaintext alert.
const MAX_JUDGED: usize = 2;

/// The content length of the longest plaintext record.
const MAX_CLEAR: usize = 16 * 1024;

/// The most consecutive records without content: empty ones and, in TLS 1.3, cipher changes.
const MAX_EMPTY: usize = 32;

/// The most consecutive warnings.
const MAX_WARNINGS: usize = 4;

const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
const WARNING: u8 = 1;
pub(crate) const FATAL: u8 = 2;

/// A server's records on their way to rustls.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says something of its own, in any combination"
)]
#[derive(Default)]
pub(crate) struct Records {
    framer: RecordFramer,
    /// The received part of a header, or of a record that is checked as a whole.
    held: Vec<u8>,
    /// Whether the current record is checked as a whole.
    judged: bool,
    /// Bytes that rustls may read.
    passed: Vec<u8>,
    /// The empty records and warnings since the last record with content.
    empty: usize,
    warnings: usize,
    /// Whether the server has started a handshake.
    begun: bool,
    /// Whether the client has started to encrypt, in TLS 1.2.
    pub(crate) client_encrypts: bool,
    server_encrypts: bool,
    messages: Messages,
}

impl Records {
    /// The number of bytes to read next, at most up to the end of the record.
    pub(crate) fn bytes_needed(&self) -> usize {
        self.framer.bytes_needed()
    }

    pub(crate) fn is_between(&self) -> bool {
        self.framer.is_between()
    }

    /// Whether the server has started a handshake.
    pub(crate) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Advances by received bytes, at most the [needed](Self::bytes_needed) number.
    ///
    /// # Errors
    ///
    /// Chromium's error, if it refuses the record.
    pub(crate) fn take(&mut self, bytes: &[u8], hello: &mut Hello) -> Result<(), Refused> {
        if let RecordFramer::Body {
            kind: HANDSHAKE, ..
        } = self.framer
        {
            hello.inspect_server(bytes)?;
            self.messages.inspect(bytes);
        }
        self.held.extend_from_slice(bytes);
        let means_nothing = match self.framer.advance(bytes) {
            Framed::Header(header) => self.judge_header(header, hello)?,
            Framed::Record(kind) if self.judged => self.judge_record(kind, hello)?,
            Framed::Record(_) | Framed::Middle => false,
        };
        if means_nothing {
            self.held.clear();
        } else if !self.is_undecided() {
            self.passed.append(&mut self.held);
        }
        Ok(())
    }

    /// Whether the held bytes may still be refused or skipped.
    fn is_undecided(&self) -> bool {
        match self.framer {
            RecordFramer::Header { length, .. } => length > 0,
            RecordFramer::Body { .. } => self.judged,
        }
    }

    /// Whether the record is skipped, such as an empty plaintext handshake record.
    fn judge_header(&mut self, header: Header, hello: &Hello) -> Result<bool, Refused> {
        let Header {
            kind,
            version,
            length,
        } = header;
        let is_encrypted = self.server_encrypts || hello.is_behind_that_of_tls13();
        let is_sound = if is_encrypted {
            version == VERSION_OF_ENCRYPTED
        } else {
            version.starts_with(&[MAJOR_VERSION])
        };
        if !is_sound {
            return Err(Refused::protocol_error(AlertDescription::ProtocolVersion));
        }
        if length > MAX_CLEAR && !is_encrypted {
            return Err(Refused::protocol_error(AlertDescription::RecordOverflow));
        }
        // After the client's cipher change, Chromium waits for the server's.
        if kind == HANDSHAKE && length == 0 && !is_encrypted && !self.client_encrypts {
            return one_more(&mut self.empty, MAX_EMPTY);
        }
        let says_something = !matches!(kind, ALERT | CHANGE_CIPHER_SPEC);
        if says_something {
            (self.empty, self.warnings) = (0, 0);
        }
        self.begun |= kind == HANDSHAKE;
        self.server_encrypts |= kind == CHANGE_CIPHER_SPEC && !hello.has_chosen_tls13();
        self.judged = !says_something && (1..=MAX_JUDGED).contains(&length);
        Ok(false)
    }

    /// Whether the record is skipped, such as a warning, or a cipher change in TLS 1.3.
    fn judge_record(&mut self, kind: u8, hello: &Hello) -> Result<bool, Refused> {
        let content = self.held.get(HEADER..).unwrap_or_default();
        match (kind, content) {
            (CHANGE_CIPHER_SPEC, [1]) if hello.has_chosen_tls13() => {
                one_more(&mut self.empty, MAX_EMPTY)
            }
            (ALERT, &[level, description]) if !self.server_encrypts => {
                self.judge_alert(level, description, hello)
            }
            _ => Ok(false),
        }
    }

    fn judge_alert(&mut self, level: u8, description: u8, hello: &Hello) -> Result<bool, Refused> {
        let is_end = description == CLOSE_NOTIFY;
        let refused = |alert| Err(Refused::protocol_error(alert));
        match level {
            _ if hello.is_behind_that_of_tls13() || is_end && !self.begun => {
                Err(NetError::SslProtocolError.into())
            }
            WARNING if is_end => Ok(false),
            // TLS 1.3 has no other warnings.
            WARNING if hello.has_chosen_tls13() && description != USER_CANCELED => {
                refused(AlertDescription::DecodeError)
            }
            WARNING => one_more(&mut self.warnings, MAX_WARNINGS),
            // rustls does not accept alerts inside a message.
            FATAL if self.messages.is_within() => {
                let progress = HandshakeProgress {
                    server_hello: hello.is_over() || hello.has_chosen_tls13(),
                    ..HandshakeProgress::default()
                };
                Err(NetError::from_alert(description.into(), progress).into())
            }
            FATAL => Ok(false),
            _ => refused(AlertDescription::IllegalParameter),
        }
    }

    /// Passes bytes to rustls. Returns whether there were any.
    pub(crate) fn pass_on(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let count = self.passed.len().min(buffer.remaining());
        buffer.put_slice(self.passed.get(..count).unwrap_or_default());
        self.passed.drain(..count);
        count > 0
    }
}

/// Counts a record without content, up to the limit.
fn one_more(count: &mut usize, most: usize) -> Result<bool, Refused> {
    *count += 1;
    if *count > most {
        return Err(Refused::protocol_error(AlertDescription::UnexpectedMessage));
    }
    Ok(true)
}

/// The message boundaries in a plaintext handshake.
#[derive(Default)]
struct Messages {
    /// The number of known header bytes of the current message.
    known: usize,
    /// The number of missing bytes of the current message.
    left: usize,
}

impl Messages {
    fn inspect(&mut self, mut bytes: &[u8]) {
        while let Some((&first, others)) = bytes.split_first() {
            if self.known < hello::HEADER {
                // The type, then the length.
                if self.known > 0 {
                    self.left = self.left << 8 | usize::from(first);
                }
                self.known += 1;
                bytes = others;
            } else {
                let (_, others) = bytes.split_at(self.left.min(bytes.len()));
                self.left -= bytes.len() - others.len();
                bytes = others;
            }
            if self.known == hello::HEADER && self.left == 0 {
                self.known = 0;
            }
        }
    }

    const fn is_within(&self) -> bool {
        self.known > 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicBool};

    use super::*;
    use crate::tls::versions::TlsVersionRange;

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3, high, low], content].concat()
    }

    fn alert(level: u8, description: u8) -> Vec<u8> {
        record(ALERT, &[level, description])
    }

    fn empty(count: usize) -> Vec<u8> {
        record(HANDSHAKE, &[]).repeat(count)
    }

    /// The bytes that rustls gets from a stream in pieces of this size, and the resulting error. In
    /// TLS 1.3 the hello is complete after the first record.
    fn pass(stream: &[u8], size: usize, tls13: bool) -> (Vec<u8>, Option<NetError>) {
        let versions = TlsVersionRange::parse(None, None);
        let mut hello = Hello::new(versions, Arc::new(AtomicBool::new(tls13)));
        let mut records = Records::default();
        let (mut rest, mut passed) = (stream, Vec::new());
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(records.bytes_needed().min(size).min(rest.len()));
            rest = others;
            if let Err(refused) = records.take(piece, &mut hello) {
                return (passed, Some(refused.error));
            }
            // rustls may offer a small buffer.
            let mut room = [0; 3];
            let mut room = ReadBuf::new(&mut room);
            while records.pass_on(&mut room) {
                passed.extend(room.filled());
                room.clear();
            }
        }
        (passed, None)
    }

    const NO_HELLO: [u8; 4] = [11, 0, 0, 0];

    #[track_caller]
    fn expect(stream: &[u8], tls13: bool, passed: &[u8], error: Option<NetError>) {
        for size in [1, 3, 4096] {
            let expected = (passed.to_vec(), error);
            assert_eq!(pass(stream, size, tls13), expected, "{stream:x?} by {size}");
        }
    }

    #[track_caller]
    fn passes(stream: &[u8]) {
        expect(stream, false, stream, None);
    }

    const REFUSED: Option<NetError> = Some(NetError::SslProtocolError);

    #[test]
    fn an_incomplete_header_has_no_verdict() {
        expect(b"N", false, b"", None);
        expect(&[32, 2, 0, 0], false, b"", None);
        expect(&[22, 3], false, b"", None);
        expect(b"HTTP/", false, b"", REFUSED);
    }

    #[test]
    fn all_versions_begin_with_the_same_byte() {
        for version in [[3, 0], [3, 1], [3, 3], [3, 255]] {
            passes(&[22, version[0], version[1], 0, 1, 2]);
        }
        for version in [[2, 3], [4, 0], [0xfe, 0xfd]] {
            let stream = [ALERT, version[0], version[1], 0, 2, 2, 40];
            expect(&stream, false, b"", REFUSED);
        }
    }

    #[test]
    fn a_limited_number_of_empty_records_is_skipped() {
        let hello = record(HANDSHAKE, &NO_HELLO);
        expect(&[empty(32), hello.clone()].concat(), false, &hello, None);
        expect(&empty(33), false, b"", REFUSED);
        let often = [empty(20), hello.clone()].concat().repeat(3);
        expect(&often, false, &hello.repeat(3), None);
        // rustls refuses misplaced records.
        passes(&record(23, &[]));
        passes(&record(ALERT, &[]));
        let behind = [hello.clone(), empty(1)].concat();
        expect(&behind, true, &behind, None);
        let change = record(CHANGE_CIPHER_SPEC, &[1]);
        passes(&[hello, change, empty(1)].concat());
    }

    #[test]
    fn a_limited_number_of_cipher_changes_is_skipped_in_tls_1_3() {
        let change = record(CHANGE_CIPHER_SPEC, &[1]);
        passes(&change);
        let hello = record(HANDSHAKE, &NO_HELLO);
        let changes = |count| [hello.clone(), change.repeat(count), hello.clone()].concat();
        expect(&changes(32), true, &hello.repeat(2), None);
        expect(&changes(33), true, &hello, REFUSED);
        for other in [&[2][..], &[1, 1], &[]] {
            let stream = [hello.clone(), record(CHANGE_CIPHER_SPEC, other)].concat();
            expect(&stream, true, &stream, None);
        }
    }

    #[test]
    fn an_alert_is_a_warning_or_fatal() {
        for stream in [alert(2, 40), alert(2, 255)] {
            passes(&stream);
        }
        expect(&alert(1, 40), false, b"", None);
        for stream in [alert(0, 40), alert(3, 40), alert(255, 0)] {
            expect(&stream, false, b"", REFUSED);
        }
        // rustls refuses malformed alerts.
        passes(&record(ALERT, &[2]));
        passes(&record(ALERT, &[2, 40, 0]));
    }

    #[test]
    fn an_alert_may_interrupt_a_message() {
        let [begin, end] = [&[11, 0, 0, 9, 1, 2], &[3; 7][..]].map(|part| record(HANDSHAKE, part));
        let whole = [begin.clone(), end.clone()].concat();
        for between in [alert(1, 90), alert(1, 112).repeat(3)] {
            let stream = [begin.clone(), between, end.clone()].concat();
            expect(&stream, false, &whole, None);
        }
        for head in [
            &[2][..],
            &[2, 0],
            &[2, 0, 0],
            &[2, 0, 0, 1],
            &[2, 0, 0, 70, 3, 3],
        ] {
            let begin = record(HANDSHAKE, head);
            let stream = [begin.clone(), alert(2, 40)].concat();
            let mismatch = Some(NetError::SslVersionOrCipherMismatch);
            expect(&stream, false, &begin, mismatch);
        }
        let stream = [begin.clone(), alert(2, 40)].concat();
        expect(&stream, false, &begin, REFUSED);
        // Fatal alerts, and alerts between messages, are left to rustls.
        passes(&[begin, alert(1, 0)].concat());
        passes(&[whole, alert(2, 40)].concat());
    }

    #[test]
    fn a_limited_number_of_warnings_is_skipped() {
        let hello = record(HANDSHAKE, &NO_HELLO);
        let often = [alert(1, 112).repeat(4), hello.clone()].concat().repeat(3);
        expect(&often, false, &hello.repeat(3), None);
        expect(&alert(1, 112).repeat(5), false, b"", REFUSED);
        // Warnings are counted separately from empty records.
        let mixed = [empty(20), alert(1, 90).repeat(4), empty(12)].concat();
        expect(&mixed, false, b"", None);
        expect(&[mixed.clone(), empty(1)].concat(), false, b"", REFUSED);
        expect(&[mixed, alert(1, 90)].concat(), false, b"", REFUSED);
        // TLS 1.3 has been chosen, and another hello is to come.
        expect(&alert(1, 90), true, b"", None);
        expect(&alert(1, 112), true, b"", REFUSED);
    }

    #[test]
    fn a_plaintext_record_has_a_maximum_length() {
        passes(&[HANDSHAKE, 3, 3, 0x40, 0]);
        expect(&[HANDSHAKE, 3, 3, 0x40, 1], false, b"", REFUSED);
        let encrypted = [record(HANDSHAKE, &NO_HELLO), vec![23, 3, 3, 0x40, 1]].concat();
        expect(&encrypted, true, &encrypted, None);
    }

    #[test]
    fn the_last_bytes_of_longer_records_are_not_inspected() {
        let hello = record(HANDSHAKE, &NO_HELLO);
        for length in [3, 6, 7, 18, 26, 300] {
            for kind in [ALERT, CHANGE_CIPHER_SPEC] {
                let longer = record(kind, &[vec![0; length - 1], vec![1]].concat());
                let stream = [hello.clone(), longer, hello.clone()].concat();
                passes(&stream);
                expect(&stream, true, &stream, None);
            }
        }
    }

    #[test]
    fn encrypted_records_have_one_version() {
        let hello = record(HANDSHAKE, &NO_HELLO);
        let change = record(CHANGE_CIPHER_SPEC, &[1]);
        let of_tls12 = [hello.clone(), change.clone()].concat();
        for version in [[3, 1], [3, 4], [4, 0]] {
            let mut encrypted = record(23, &[7; 20]);
            encrypted[1..3].copy_from_slice(&version);
            expect(
                &[&of_tls12, &encrypted[..]].concat(),
                false,
                &of_tls12,
                REFUSED,
            );
            expect(&[&hello, &encrypted[..]].concat(), true, &hello, REFUSED);
            let mut changed = change.clone();
            changed[1..3].copy_from_slice(&version);
            expect(&[&hello, &changed[..]].concat(), true, &hello, REFUSED);
        }
        passes(&[of_tls12, record(23, &[7; 20])].concat());
    }

    #[test]
    fn close_notify_before_the_handshake_is_an_error() {
        expect(&alert(1, 0), false, b"", REFUSED);
        passes(&[record(HANDSHAKE, &NO_HELLO), alert(1, 0)].concat());
    }

    #[test]
    fn plaintext_alerts_after_a_tls_1_3_hello_are_errors() {
        let hello = record(HANDSHAKE, &NO_HELLO);
        let stream = [hello.clone(), alert(2, 70)].concat();
        passes(&stream);
        expect(&stream, true, &hello, REFUSED);
        expect(&alert(2, 70), true, &alert(2, 70), None);
    }
}
