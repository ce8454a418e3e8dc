//! The boundaries of TLS records in a stream. Feeding rustls one record at a time avoids moving the
//! bytes behind the record.

/// The length of a record header: type, version, and length in the last two bytes.
pub(crate) const HEADER: usize = 5;

/// The content type of handshake records.
pub(crate) const HANDSHAKE: u8 = 22;

/// The version field of encrypted records, whatever version was negotiated.
pub(crate) const VERSION_OF_ENCRYPTED: [u8; 2] = [3, 3];

/// Tracks the position in a stream of records.
#[derive(Debug)]
pub(crate) enum RecordFramer {
    /// Inside a header, of which the first `length` bytes are known.
    Header { bytes: [u8; HEADER], length: usize },
    /// Inside a record body, of which `left` bytes remain.
    Body { kind: u8, left: usize },
}

/// A record header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    /// The content type of the record.
    pub(crate) kind: u8,
    pub(crate) version: [u8; 2],
    pub(crate) length: usize,
}

/// The role of the bytes passed last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Framed {
    /// The middle of a header or body.
    Middle,
    /// The end of this header. It is also the end of the record if the body is empty.
    Header(Header),
    /// The end of a record of this type.
    Record(u8),
}

impl Default for RecordFramer {
    fn default() -> Self {
        Self::Header {
            bytes: [0; HEADER],
            length: 0,
        }
    }
}

impl RecordFramer {
    /// The number of bytes that can be read without passing the end of a header or record.
    pub(crate) fn bytes_needed(&self) -> usize {
        match self {
            Self::Header { length, .. } => HEADER - length,
            Self::Body { left, .. } => *left,
        }
    }

    /// Advances by at most the [needed](Self::bytes_needed) number of bytes.
    pub(crate) fn advance(&mut self, passed: &[u8]) -> Framed {
        match self {
            Self::Header { bytes, length } => {
                for (slot, byte) in bytes.iter_mut().skip(*length).zip(passed) {
                    *slot = *byte;
                }
                *length += passed.len();
                if *length < HEADER {
                    return Framed::Middle;
                }
                let [kind, major, minor, high, low] = *bytes;
                let header = Header {
                    kind,
                    version: [major, minor],
                    length: usize::from(u16::from_be_bytes([high, low])),
                };
                *self = match header.length {
                    0 => Self::default(),
                    left => Self::Body { kind, left },
                };
                Framed::Header(header)
            }
            Self::Body { kind, left } => {
                let kind = *kind;
                *left -= passed.len();
                if *left > 0 {
                    return Framed::Middle;
                }
                *self = Self::default();
                Framed::Record(kind)
            }
        }
    }

    /// The number of `bytes` that belong to the current record, and the header that ends among
    /// them.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> (usize, Option<Header>) {
        let (mut taken, mut found) = (0, None);
        while taken < bytes.len() {
            let rest = bytes.get(taken..).unwrap_or_default();
            let count = self.bytes_needed().min(rest.len());
            taken += count;
            if let Framed::Header(header) = self.advance(rest.get(..count).unwrap_or_default()) {
                found = Some(header);
            }
            if self.is_between() {
                break;
            }
        }
        (taken, found)
    }

    /// Whether every record that started has ended.
    pub(crate) fn is_between(&self) -> bool {
        matches!(self, Self::Header { length: 0, .. })
    }
}

#[cfg(test)]
mod tests {
    use std::mem;

    use super::*;

    /// A stream of records with bodies of these lengths.
    fn stream(bodies: &[u16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &body in bodies {
            bytes.extend([23, 3, 3]);
            bytes.extend(body.to_be_bytes());
            bytes.extend(vec![255; usize::from(body)]);
        }
        bytes
    }

    #[test]
    fn records_are_taken_one_at_a_time_however_the_stream_is_cut() {
        let bodies = [1, 0, 300, 16_401, 2];
        let bytes = stream(&bodies);
        for piece in [1, 2, 3, 7, 4096, bytes.len()] {
            let (mut framer, mut lengths, mut length) = (RecordFramer::default(), Vec::new(), 0);
            for mut bytes in bytes.chunks(piece) {
                while !bytes.is_empty() {
                    let (count, _) = framer.take(bytes);
                    bytes = &bytes[count..];
                    length += count;
                    if framer.is_between() {
                        lengths.push(mem::take(&mut length));
                    }
                }
            }
            let expected = bodies.map(|body| HEADER + usize::from(body));
            assert_eq!(lengths, expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn the_bytes_needed_never_pass_the_end_of_a_record() {
        let bytes = stream(&[3, 0, 9]);
        let (mut framer, mut rest, mut passed) = (RecordFramer::default(), &bytes[..], Vec::new());
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(framer.bytes_needed());
            rest = others;
            passed.push(framer.advance(piece));
        }
        let record = Framed::Record(23);
        let [first, second, third] = [3, 0, 9].map(|length| {
            Framed::Header(Header {
                kind: 23,
                version: [3, 3],
                length,
            })
        });
        assert_eq!(passed, [first, record, second, third, record]);
    }
}
