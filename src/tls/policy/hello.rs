//! Checks of a server's hello that Chromium makes and rustls omits or makes later: a version that
//! was not offered, extensions that do not belong to the chosen version, and a session that is not
//! the client's.

use std::{
    iter,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustls::AlertDescription;

use super::refused::Refused;
use crate::net_error::NetError;
use crate::tls::framing;
use crate::tls::versions::{TlsVersion, TlsVersionRange};

const SERVER_HELLO: u8 = 2;

/// The length of a message header: type and length.
pub(crate) const HEADER: usize = 1 + 3;

const SUPPORTED_VERSIONS: [u8; 2] = [0, 43];
const KEY_SHARE: [u8; 2] = [0, 51];
const RENEGOTIATION_INFO: [u8; 2] = [0xff, 1];

const TLS12: [u8; 2] = [3, 3];
const TLS13: [u8; 2] = [3, 4];

const MAX_SESSION: usize = 32;

/// The end of the server random that signals a downgrade to TLS 1.1 or TLS 1.2 by a server that
/// supports more (RFC 8446, 4.1.3), and the value that servers sent to JDK 11 instead.
const DOWNGRADED: [&[u8]; 3] = [
    b"DOWNGRD\0",
    b"DOWNGRD\x01",
    b"\xed\xbf\xb4\xa8\xc2\x47\x10\xff",
];

/// The server random of a `HelloRetryRequest` (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Tracks both sides of a handshake up to the server's hello.
pub(crate) struct Hello {
    offered: TlsVersionRange,
    /// The session id of the client's hello.
    session: Option<Vec<u8>>,
    /// Whether the server has requested another hello.
    retried: bool,
    /// Whether the server has chosen TLS 1.3.
    tls13: Arc<AtomicBool>,
    /// The received part of the server's hello until it is checked. rustls bounds its length.
    message: Option<Vec<u8>>,
}

impl Hello {
    pub(crate) const fn new(offered: TlsVersionRange, tls13: Arc<AtomicBool>) -> Self {
        Self {
            offered,
            session: None,
            retried: false,
            tls13,
            message: Some(Vec::new()),
        }
    }

    pub(crate) fn has_chosen_tls13(&self) -> bool {
        self.tls13.load(Ordering::Relaxed)
    }

    /// Whether the hello is complete.
    pub(crate) const fn is_over(&self) -> bool {
        self.message.is_none()
    }

    /// Whether the hello is complete and all later server records are encrypted, as in TLS 1.3.
    pub(crate) fn is_behind_that_of_tls13(&self) -> bool {
        self.has_chosen_tls13() && self.is_over()
    }

    /// Advances by records of the client, the first of which is its hello.
    pub(crate) fn inspect_client(&mut self, mut records: &[u8]) {
        if self.session.is_none() {
            let head = framing::HEADER + HEADER + TLS12.len() + RETRY.len();
            let session = take(&mut records, head).and_then(|_| take_vector::<1>(&mut records));
            self.session = session.map(<[u8]>::to_vec);
        }
    }

    /// Advances by the content of the server's handshake records.
    ///
    /// # Errors
    ///
    /// Chromium's error for the hello, if it is complete and Chromium refuses it.
    pub(crate) fn inspect_server(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let Some(mut message) = self.message.take() else {
            return Ok(());
        };
        message.extend(bytes);
        let mut rest = message.as_slice();
        if take(&mut rest, 1).is_some_and(|kind| kind != [SERVER_HELLO]) {
            return Ok(());
        }
        let Some(content) = take_vector::<3>(&mut rest) else {
            self.message = Some(message);
            return Ok(());
        };
        // rustls refuses a hello that cannot be parsed.
        let Some(hello) = ServerHello::read(content) else {
            return Ok(());
        };
        let is_tls13 = self.judge(&hello)? == TlsVersion::Tls13;
        self.tls13.store(is_tls13, Ordering::Relaxed);
        if hello.random == RETRY {
            self.retried = true;
            self.message = Some(Vec::new());
            return self.inspect_server(rest);
        }
        Ok(())
    }

    /// The version that the hello chooses.
    fn judge(&self, hello: &ServerHello<'_>) -> Result<TlsVersion, Refused> {
        let refused = |error, alert| Err(Refused::with_alert(error, alert));
        if hello.version == TLS12 && hello.extensions(SUPPORTED_VERSIONS).nth(1).is_some() {
            let alert = AlertDescription::IllegalParameter;
            return refused(NetError::SslProtocolError, alert);
        }
        let version = hello.chosen_version();
        let tls13_offered = self.offered.max == TlsVersion::Tls13;
        if version.len() != TLS12.len() && !self.retried {
            return refused(NetError::Failed, AlertDescription::DecodeError);
        }
        if self.retried || version == TLS13 && tls13_offered {
            let is_sound = version == TLS13
                && hello.version == TLS12
                && Some(hello.session) == self.session.as_deref();
            if !is_sound {
                return refused(NetError::SslProtocolError, AlertDescription::DecodeError);
            }
            return Ok(TlsVersion::Tls13);
        }
        if version != TLS12 || self.offered.min != TlsVersion::Tls12 {
            let alert = AlertDescription::ProtocolVersion;
            return refused(NetError::SslVersionOrCipherMismatch, alert);
        }
        if tls13_offered && DOWNGRADED.iter().any(|end| hello.random.ends_with(end)) {
            let alert = AlertDescription::IllegalParameter;
            return refused(NetError::Tls13DowngradeDetected, alert);
        }
        if hello.extension(KEY_SHARE).is_some() {
            let alert = AlertDescription::UnsupportedExtension;
            return refused(NetError::SslProtocolError, alert);
        }
        // An initial handshake renegotiates nothing, so the content is an empty vector.
        if !matches!(hello.extension(RENEGOTIATION_INFO), None | Some([0])) {
            let alert = AlertDescription::HandshakeFailure;
            return refused(NetError::SslProtocolError, alert);
        }
        Ok(TlsVersion::Tls12)
    }
}

struct ServerHello<'a> {
    version: &'a [u8],
    random: &'a [u8],
    session: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> ServerHello<'a> {
    /// `None` if Chromium cannot parse the hello. Before the version is known, Chromium parses the
    /// extensions of a TLS 1.2 hello only.
    fn read(mut message: &'a [u8]) -> Option<Self> {
        let rest = &mut message;
        let version = take(rest, TLS12.len())?;
        let random = take(rest, RETRY.len())?;
        let session = take_vector::<1>(rest).filter(|session| session.len() <= MAX_SESSION)?;
        // The cipher suite and the compression method.
        take(rest, 2 + 1)?;
        let extensions = if rest.is_empty() {
            Default::default()
        } else {
            take_vector::<2>(rest)?
        };
        let readable = rest.is_empty() && (version != TLS12 || are_whole(extensions));
        readable.then_some(Self {
            version,
            random,
            session,
            extensions,
        })
    }

    /// Chromium reads the version extension only in a hello whose legacy version is TLS 1.2.
    fn chosen_version(&self) -> &'a [u8] {
        match self.extension(SUPPORTED_VERSIONS) {
            Some(chosen) if self.version == TLS12 => chosen,
            _ => self.version,
        }
    }

    /// The content of an extension, if present.
    fn extension(&self, wanted: [u8; 2]) -> Option<&'a [u8]> {
        self.extensions(wanted).next()
    }

    /// The contents of all extensions of this type.
    fn extensions(&self, wanted: [u8; 2]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.extensions;
        iter::from_fn(move || {
            let kind = take(&mut rest, wanted.len())?;
            Some((kind, take_vector::<2>(&mut rest)?))
        })
        .filter_map(move |(kind, content)| (kind == wanted).then_some(content))
    }
}

fn are_whole(mut extensions: &[u8]) -> bool {
    while !extensions.is_empty() {
        let whole = take(&mut extensions, 2).and_then(|_| take_vector::<2>(&mut extensions));
        if whole.is_none() {
            return false;
        }
    }
    true
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// Takes a vector whose length is encoded in `WIDTH` bytes.
fn take_vector<'a, const WIDTH: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = *bytes;
    let length = take(&mut rest, WIDTH)?
        .iter()
        .fold(0, |length, &byte| length << 8 | usize::from(byte));
    let taken = take(&mut rest, length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    const SESSION: &[u8] = &[7; 32];

    fn vector<const WIDTH: usize>(content: &[u8]) -> Vec<u8> {
        let length = content.len().to_be_bytes();
        [&length[length.len() - WIDTH..], content].concat()
    }

    fn extension(kind: [u8; 2], content: &[u8]) -> Vec<u8> {
        [kind.to_vec(), vector::<2>(content)].concat()
    }

    fn hello(
        version: [u8; 2],
        random: [u8; 32],
        session: &[u8],
        extensions: &[Vec<u8>],
    ) -> Vec<u8> {
        let content = [
            &version[..],
            &random,
            &vector::<1>(session),
            &[0x13, 1, 0],
            &vector::<2>(&extensions.concat()),
        ]
        .concat();
        [vec![SERVER_HELLO], vector::<3>(&content)].concat()
    }

    fn of_tls13(version: [u8; 2], random: [u8; 32], session: &[u8]) -> Vec<u8> {
        let share = extension(KEY_SHARE, &[0, 29]);
        let extensions = [share, extension(SUPPORTED_VERSIONS, &TLS13)];
        hello(version, random, session, &extensions)
    }

    fn that_ends_with(end: &[u8]) -> [u8; 32] {
        let mut random = [1; 32];
        random[32 - end.len()..].copy_from_slice(end);
        random
    }

    const EITHER: TlsVersionRange = range(TlsVersion::Tls12, TlsVersion::Tls13);
    const ONLY_TLS12: TlsVersionRange = range(TlsVersion::Tls12, TlsVersion::Tls12);
    const ONLY_TLS13: TlsVersionRange = range(TlsVersion::Tls13, TlsVersion::Tls13);

    const fn range(min: TlsVersion, max: TlsVersion) -> TlsVersionRange {
        TlsVersionRange { min, max }
    }

    type Verdict = Result<(), NetError>;

    const REFUSED: Verdict = Err(NetError::SslProtocolError);
    const MISMATCH: Verdict = Err(NetError::SslVersionOrCipherMismatch);
    const DOWNGRADE: Verdict = Err(NetError::Tls13DowngradeDetected);

    /// The verdict on a server that answers such a client with these messages, split into pieces of
    /// this size.
    fn verdict(offered: TlsVersionRange, messages: &[u8], size: usize) -> Verdict {
        let mut watch = Hello::new(offered, Arc::default());
        let sent = [
            &[22, 3, 1, 0, 75, 1, 0, 0, 71, 3, 3][..],
            &[1; 32],
            &vector::<1>(SESSION),
        ];
        watch.inspect_client(&sent.concat());
        watch.inspect_client(&[20, 3, 3, 0, 1, 1]);
        for piece in messages.chunks(size) {
            watch
                .inspect_server(piece)
                .map_err(|refused| refused.error)?;
        }
        Ok(())
    }

    #[track_caller]
    fn expect(offered: TlsVersionRange, expected: Verdict, messages: &[u8]) {
        for size in [1, 7, 4096] {
            assert_eq!(
                verdict(offered, messages, size),
                expected,
                "{messages:x?} by {size} to {offered:?}"
            );
        }
    }

    #[test]
    fn a_hello_has_only_requested_extensions_of_its_version() {
        let of_tls12 = |extensions: &[Vec<u8>]| hello(TLS12, [1; 32], b"own", extensions);
        let share = || extension(KEY_SHARE, &[0, 29]);
        for (expected, messages) in [
            (Ok(()), of_tls12(&[])),
            (Ok(()), of_tls12(&[extension(RENEGOTIATION_INFO, &[0])])),
            (REFUSED, of_tls12(&[extension(RENEGOTIATION_INFO, &[1, 1])])),
            (REFUSED, of_tls12(&[extension(RENEGOTIATION_INFO, &[])])),
            (REFUSED, of_tls12(&[share()])),
            (Ok(()), of_tls13(TLS12, [1; 32], SESSION)),
            (REFUSED, of_tls13(TLS12, [1; 32], b"")),
            (REFUSED, of_tls13(TLS12, [1; 32], &[8; 32])),
            // Messages behind the hello, and messages that are no hello, are not checked.
            (Ok(()), [of_tls12(&[]), of_tls12(&[share()])].concat()),
            (Ok(()), vec![11, 0, 0, 0]),
            (Ok(()), vec![SERVER_HELLO, 0, 0, 1, 3]),
        ] {
            expect(EITHER, expected, &messages);
        }
    }

    #[test]
    fn supported_versions_count_only_if_the_head_states_tls_1_2() {
        let choosing = |head, chosen: &[u8]| {
            let extensions = [extension(SUPPORTED_VERSIONS, chosen)];
            hello(head, [1; 32], SESSION, &extensions)
        };
        let malformed = Err(NetError::Failed);
        for (expected, messages) in [
            (REFUSED, choosing(TLS13, &TLS13)),
            (REFUSED, choosing(TLS13, &TLS12)),
            (REFUSED, choosing(TLS13, &[3, 2])),
            (REFUSED, choosing(TLS13, &[3])),
            (REFUSED, hello(TLS13, [1; 32], SESSION, &[])),
            (malformed, choosing(TLS12, &[])),
            (malformed, choosing(TLS12, &[3])),
            (malformed, choosing(TLS12, &[3, 4, 0])),
            (MISMATCH, choosing(TLS12, &[3, 5])),
            (MISMATCH, choosing([3, 1], &TLS13)),
            (MISMATCH, choosing([3, 5], &TLS13)),
            (MISMATCH, of_tls13([3, 5], [1; 32], b"")),
        ] {
            expect(EITHER, expected, &messages);
        }
    }

    #[test]
    fn a_version_that_was_not_offered_is_the_only_error_of_its_hello() {
        let share = extension(KEY_SHARE, &[0, 29]);
        let of_tls12 = hello(TLS12, [1; 32], b"own", &[share]);
        expect(ONLY_TLS12, REFUSED, &of_tls12);
        expect(ONLY_TLS13, MISMATCH, &of_tls12);
        for head in [TLS12, TLS13] {
            let of_tls13 = of_tls13(head, [1; 32], b"");
            expect(ONLY_TLS13, REFUSED, &of_tls13);
            expect(ONLY_TLS12, MISMATCH, &of_tls13);
        }
    }

    #[test]
    fn a_downgrade_is_a_choice_of_tls_1_2_when_tls_1_3_was_offered() {
        for end in DOWNGRADED {
            let random = that_ends_with(end);
            let wrong = [extension(RENEGOTIATION_INFO, &[1, 1])];
            for extensions in [&[], &wrong[..]] {
                let of_tls12 = hello(TLS12, random, b"", extensions);
                expect(EITHER, DOWNGRADE, &of_tls12);
                expect(ONLY_TLS13, MISMATCH, &of_tls12);
            }
            expect(ONLY_TLS12, Ok(()), &hello(TLS12, random, b"", &[]));
            for version in [[3, 1], [3, 2], [3, 5]] {
                expect(EITHER, MISMATCH, &hello(version, random, b"", &[]));
            }
            expect(EITHER, REFUSED, &hello(TLS13, random, b"", &[]));
            expect(EITHER, Ok(()), &of_tls13(TLS12, random, SESSION));
        }
    }

    #[test]
    fn a_hello_retry_request_chooses_tls_1_3() {
        let retry = of_tls13(TLS12, RETRY, SESSION);
        expect(EITHER, Ok(()), &retry);
        expect(ONLY_TLS12, MISMATCH, &retry);
        for (expected, messages) in [
            (REFUSED, of_tls13(TLS12, RETRY, b"")),
            (REFUSED, of_tls13(TLS13, RETRY, SESSION)),
            (MISMATCH, of_tls13([3, 1], RETRY, SESSION)),
            (MISMATCH, of_tls13([3, 5], RETRY, SESSION)),
        ] {
            expect(EITHER, expected, &messages);
        }
        let choosing = |chosen: &[u8]| {
            let extensions = [extension(SUPPORTED_VERSIONS, chosen)];
            hello(TLS12, [1; 32], SESSION, &extensions)
        };
        for (expected, then) in [
            (Ok(()), of_tls13(TLS12, [1; 32], SESSION)),
            (REFUSED, of_tls13(TLS12, [1; 32], b"")),
            (REFUSED, of_tls13([3, 1], [1; 32], SESSION)),
            (REFUSED, of_tls13(TLS13, [1; 32], SESSION)),
            (REFUSED, hello(TLS13, [1; 32], SESSION, &[])),
            (REFUSED, hello(TLS12, [1; 32], SESSION, &[])),
            (REFUSED, choosing(&[3, 2])),
            (REFUSED, choosing(&[3])),
        ] {
            expect(EITHER, expected, &[retry.clone(), then].concat());
        }
    }

    #[test]
    fn malformed_hellos_are_left_to_rustls() {
        let end = that_ends_with(DOWNGRADED[0]);
        let cut_off = [&KEY_SHARE[..], &[0, 9, 0]].concat();
        let mut longer = hello(TLS12, end, b"", &[]);
        longer.push(0);
        longer[3] += 1;
        expect(EITHER, Ok(()), &longer);
        expect(EITHER, Ok(()), &hello(TLS12, end, &[7; 33], &[]));
        expect(EITHER, DOWNGRADE, &hello(TLS12, end, &[7; 32], &[]));
        expect(
            EITHER,
            Ok(()),
            &hello(TLS12, end, b"", slice::from_ref(&cut_off)),
        );
        expect(EITHER, MISMATCH, &hello([3, 1], RETRY, b"", &[cut_off]));
    }

    #[test]
    fn an_incomplete_hello_has_no_verdict() {
        let refused = of_tls13(TLS12, [1; 32], b"");
        for length in 0..refused.len() {
            assert_eq!(
                verdict(EITHER, &refused[..length], 4096),
                Ok(()),
                "{length} bytes"
            );
        }
    }
}
