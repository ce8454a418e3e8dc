//! What Chromium refuses in a server's hello and rustls passes over: things that are not for the
//! version that it chooses, and a session that is not the client's.

use crate::net_error::NetError;
use crate::record_ends;

const SERVER_HELLO: u8 = 2;

/// What precedes a message: its type and its length.
const HEADER: usize = 1 + 3;

const SUPPORTED_VERSIONS: [u8; 2] = [0, 43];
const KEY_SHARE: [u8; 2] = [0, 51];
const RENEGOTIATION_INFO: [u8; 2] = [0xff, 1];

const TLS12: [u8; 2] = [3, 3];
const TLS13: [u8; 2] = [3, 4];

/// The end of the random number of a server that could do better than TLS 1.1, and was asked for no
/// more (RFC 8446, 4.1.3). Of the one for TLS 1.2 rustls takes care.
const DOWNGRADED_TO_TLS11: &[u8] = b"DOWNGRD\0";

/// The random number by which a server asks for another hello (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Follows both sides of a handshake up to the server's hello.
pub(super) struct Hello {
    tls13_offered: bool,
    /// The session in the client's hello.
    session: Option<Vec<u8>>,
    /// What has come of the server's hello, until that is judged. rustls bounds it.
    message: Option<Vec<u8>>,
}

impl Hello {
    pub(super) const fn new(tls13_offered: bool) -> Self {
        Self {
            tls13_offered,
            session: None,
            message: Some(Vec::new()),
        }
    }

    /// Goes on by records of the client, of which the first is its hello.
    pub(super) fn follow_client(&mut self, mut records: &[u8]) {
        if self.session.is_none() {
            let head = record_ends::HEADER + HEADER + TLS12.len() + RETRY.len();
            let session = take(&mut records, head).and_then(|_| take_vector::<1>(&mut records));
            self.session = session.map(<[u8]>::to_vec);
        }
    }

    /// Goes on by what stands in records of the server's handshake.
    ///
    /// # Errors
    /// What Chromium says of the hello, if it is complete and Chromium would refuse it.
    pub(super) fn follow_server(&mut self, bytes: &[u8]) -> Result<(), NetError> {
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
        // What cannot be read rustls refuses itself.
        let Some(hello) = ServerHello::read(content) else {
            return Ok(());
        };
        self.judge(&hello)?;
        if hello.random == RETRY {
            self.message = Some(Vec::new());
            return self.follow_server(rest);
        }
        Ok(())
    }

    fn judge(&self, hello: &ServerHello<'_>) -> Result<(), NetError> {
        if self.tls13_offered && hello.random.ends_with(DOWNGRADED_TO_TLS11) {
            return Err(NetError::Tls13DowngradeDetected);
        }
        // Other versions rustls refuses, in Chromium's words.
        let sound = match hello.extension(SUPPORTED_VERSIONS) {
            Some(chosen) if chosen == TLS13 && *hello.version >= TLS12[..] => {
                hello.version == TLS12 && Some(hello.session) == self.session.as_deref()
            }
            // A first handshake renegotiates nothing: the content is an empty vector.
            None if hello.version == TLS12 => {
                matches!(hello.extension(RENEGOTIATION_INFO), None | Some([0]))
                    && hello.extension(KEY_SHARE).is_none()
            }
            _ => true,
        };
        if sound {
            Ok(())
        } else {
            Err(NetError::SslProtocolError)
        }
    }
}

struct ServerHello<'a> {
    version: &'a [u8],
    random: &'a [u8],
    session: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> ServerHello<'a> {
    /// None if the message is cut off.
    fn read(mut message: &'a [u8]) -> Option<Self> {
        let rest = &mut message;
        let version = take(rest, TLS12.len())?;
        let random = take(rest, RETRY.len())?;
        let session = take_vector::<1>(rest)?;
        // The suite, and the compression.
        take(rest, 2 + 1)?;
        Some(Self {
            version,
            random,
            session,
            extensions: take_vector::<2>(rest).unwrap_or_default(),
        })
    }

    /// The content of an extension, if it is there.
    fn extension(&self, wanted: [u8; 2]) -> Option<&'a [u8]> {
        let mut rest = self.extensions;
        while let Some(kind) = take(&mut rest, wanted.len()) {
            let content = take_vector::<2>(&mut rest)?;
            if kind == wanted {
                return Some(content);
            }
        }
        None
    }
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// Takes bytes before which their number stands, in so many bytes.
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

    /// What is said of a server that answers with these messages, which come in pieces of this size.
    fn verdict(messages: &[u8], size: usize) -> Result<(), NetError> {
        let mut watch = Hello::new(true);
        let sent = [
            &[22, 3, 1, 0, 75, 1, 0, 0, 71, 3, 3][..],
            &[1; 32],
            &vector::<1>(SESSION),
        ];
        watch.follow_client(&sent.concat());
        watch.follow_client(&[20, 3, 3, 0, 1, 1]);
        for piece in messages.chunks(size) {
            watch.follow_server(piece)?;
        }
        Ok(())
    }

    #[test]
    fn a_hello_has_only_what_is_for_its_version_and_what_was_asked_for() {
        let of_tls12 = |extensions: &[Vec<u8>]| hello(TLS12, [1; 32], b"own", extensions);
        let retry = of_tls13(TLS12, RETRY, SESSION);
        let refused = Err(NetError::SslProtocolError);
        let mut downgraded = [1; 32];
        downgraded[24..].copy_from_slice(DOWNGRADED_TO_TLS11);
        for (expected, messages) in [
            (Ok(()), of_tls12(&[])),
            (Ok(()), of_tls12(&[extension(RENEGOTIATION_INFO, &[0])])),
            (refused, of_tls12(&[extension(RENEGOTIATION_INFO, &[1, 1])])),
            (refused, of_tls12(&[extension(RENEGOTIATION_INFO, &[])])),
            (refused, of_tls12(&[extension(KEY_SHARE, &[0, 29])])),
            (
                Ok(()),
                of_tls12(&[
                    extension(KEY_SHARE, &[0, 29]),
                    extension(SUPPORTED_VERSIONS, &[3, 5]),
                ]),
            ),
            (
                Ok(()),
                hello([3, 1], [1; 32], b"", &[extension(KEY_SHARE, &[0, 29])]),
            ),
            (Ok(()), of_tls13(TLS12, [1; 32], SESSION)),
            (refused, of_tls13(TLS13, [1; 32], SESSION)),
            (Ok(()), of_tls13([3, 1], [1; 32], b"")),
            (refused, of_tls13(TLS12, [1; 32], b"")),
            (refused, of_tls13(TLS12, [1; 32], &[8; 32])),
            (Ok(()), retry.clone()),
            (refused, of_tls13(TLS12, RETRY, b"")),
            (
                Ok(()),
                [retry.clone(), of_tls13(TLS12, [1; 32], SESSION)].concat(),
            ),
            (refused, [retry, of_tls13(TLS12, [1; 32], b"")].concat()),
            (
                Err(NetError::Tls13DowngradeDetected),
                hello([3, 2], downgraded, b"", &[]),
            ),
            // Nobody looks behind the hello, nor at what is none.
            (
                Ok(()),
                [of_tls12(&[]), of_tls12(&[extension(KEY_SHARE, &[])])].concat(),
            ),
            (Ok(()), vec![11, 0, 0, 0]),
            (Ok(()), vec![SERVER_HELLO, 0, 0, 1, 3]),
        ] {
            for size in [1, 7, 4096] {
                assert_eq!(
                    verdict(&messages, size),
                    expected,
                    "{messages:x?} by {size}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_said_of_a_hello_that_is_not_complete() {
        let refused = of_tls13(TLS12, [1; 32], b"");
        for length in 0..refused.len() {
            assert_eq!(verdict(&refused[..length], 4096), Ok(()), "{length} bytes");
        }
    }
}
