//! The sends of one socket: ordered, batched if small, each completed once.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, BytesMut};

use crate::event::Request;

/// Sends of one tick are joined up to this size, so that many small sends cost one system call.
const MAX_GATHERED: usize = 16 * 1024;

/// The most chunks of one system call.
const MAX_PIECES: usize = 64;

/// A pending send.
#[derive(Debug, Eq, PartialEq)]
struct Send {
    request: Request,
    length: usize,
    /// The position in the byte stream after this send's last byte.
    end: u64,
}

/// The data of `send()` calls that the operating system does not have yet.
#[derive(Default)]
pub(crate) struct WriteQueue {
    sends: VecDeque<Send>,
    chunks: VecDeque<BytesMut>,
    /// Total bytes queued.
    queued: u64,
    /// Total bytes taken by the transport.
    taken: u64,
}

impl WriteQueue {
    /// Whether no send is pending and no byte is queued.
    pub(crate) fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.chunks.is_empty()
    }

    /// The number of pending sends.
    pub(crate) fn pending(&self) -> usize {
        self.sends.len()
    }

    /// The number of queued bytes that the transport has not taken.
    #[cfg(test)]
    pub(crate) fn unwritten(&self) -> u64 {
        self.queued - self.taken
    }

    /// Forgets the requests but keeps the data.
    pub(crate) fn forget_requests(&mut self) {
        self.sends.clear();
    }

    /// Queues a send of which the transport has taken the first `written` bytes, and copies the
    /// rest.
    pub(crate) fn push(&mut self, request: Request, data: &[u8], written: usize) {
        self.queued += data.len() as u64;
        self.taken += written as u64;
        self.sends.push_back(Send {
            request,
            length: data.len(),
            end: self.queued,
        });
        let data = data.get(written..).unwrap_or_default();
        match self.chunks.back_mut() {
            _ if data.is_empty() => {}
            Some(last) if last.len() + data.len() <= MAX_GATHERED => last.extend_from_slice(data),
            _ => self.chunks.push_back(BytesMut::from(data)),
        }
    }

    /// Whether a byte is queued.
    pub(crate) fn has_unwritten(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// The bytes to write next, at most `most` of them.
    pub(crate) fn next_pieces(&self, most: usize) -> Vec<IoSlice<'_>> {
        let mut left = most;
        self.chunks
            .iter()
            .take(MAX_PIECES)
            .map_while(|chunk| {
                let piece = chunk.get(..left).unwrap_or(chunk);
                left -= piece.len();
                (!piece.is_empty()).then(|| IoSlice::new(piece))
            })
            .collect()
    }

    /// Notes that the transport took the next `count` bytes.
    pub(crate) fn advance(&mut self, count: usize) {
        self.taken += count as u64;
        let mut left = count;
        while let Some(chunk) = self.chunks.front_mut() {
            if left < chunk.len() {
                return chunk.advance(left);
            }
            left -= chunk.len();
            self.chunks.pop_front();
        }
    }

    /// Completes the oldest send if all of it is written, not counting the last `unflushed` bytes
    /// that the transport took. Returns its request and its length.
    pub(crate) fn pop_written(&mut self, unflushed: usize) -> Option<(Request, usize)> {
        let written = self.taken - unflushed as u64;
        if self.sends.front()?.end > written {
            return None;
        }
        self.sends
            .pop_front()
            .map(|send| (send.request, send.length))
    }

    /// Abandons all sends. Returns them oldest first, as (request, length).
    pub(crate) fn abandon(&mut self) -> impl Iterator<Item = (Request, usize)> + use<> {
        std::mem::take(self)
            .sends
            .into_iter()
            .map(|send| (send.request, send.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(queue: &mut WriteQueue, most: usize) -> Vec<u8> {
        let taken: Vec<u8> = queue
            .next_pieces(most)
            .iter()
            .flat_map(|piece| piece.to_vec())
            .collect();
        queue.advance(taken.len());
        taken
    }

    #[test]
    fn small_sends_are_written_together_and_end_in_order() {
        let mut queue = WriteQueue::default();
        queue.push(1.into(), b"one", 0);
        queue.push(2.into(), b"two", 0);
        assert_eq!(write(&mut queue, 100), b"onetwo");
        assert_eq!(queue.pop_written(0), Some((1.into(), 3)));
        assert_eq!(queue.pop_written(0), Some((2.into(), 3)));
        assert_eq!(queue.pop_written(0), None);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_send_ends_only_when_its_last_byte_is_written() {
        let mut queue = WriteQueue::default();
        queue.push(7.into(), b"abcdef", 0);
        assert_eq!(write(&mut queue, 4), b"abcd");
        assert_eq!(queue.pop_written(0), None);
        assert_eq!(write(&mut queue, 4), b"ef");
        assert_eq!(
            queue.pop_written(1),
            None,
            "the transport still holds a byte"
        );
        assert_eq!(queue.pop_written(0), Some((7.into(), 6)));
    }

    #[test]
    fn an_empty_send_waits_for_those_before_it() {
        let mut queue = WriteQueue::default();
        queue.push(1.into(), b"x", 0);
        queue.push(2.into(), b"", 0);
        assert_eq!(queue.pop_written(0), None);
        assert_eq!(write(&mut queue, 1), b"x");
        assert_eq!(queue.pop_written(0), Some((1.into(), 1)));
        assert_eq!(queue.pop_written(0), Some((2.into(), 0)));
    }

    #[test]
    fn large_sends_are_written_together_without_another_copy() {
        let mut queue = WriteQueue::default();
        queue.push(1.into(), b"small", 0);
        queue.push(2.into(), &[8; MAX_GATHERED], 0);
        queue.push(3.into(), &[9; MAX_GATHERED], 0);
        let lengths = |queue: &WriteQueue, most| {
            let pieces = queue.next_pieces(most);
            pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&queue, usize::MAX), [5, MAX_GATHERED, MAX_GATHERED]);
        assert_eq!(lengths(&queue, 5), [5]);
        assert_eq!(lengths(&queue, 7), [5, 2]);
        // The transport takes two chunks and a part of the third.
        queue.advance(5 + MAX_GATHERED + 1);
        assert_eq!(queue.pop_written(0), Some((1.into(), 5)));
        assert_eq!(queue.pop_written(0), Some((2.into(), MAX_GATHERED)));
        assert_eq!(queue.pop_written(0), None);
        assert_eq!(write(&mut queue, usize::MAX), [9; MAX_GATHERED - 1]);
        assert!(!queue.has_unwritten());
    }

    #[test]
    fn one_system_call_gets_a_bounded_number_of_chunks() {
        let mut queue = WriteQueue::default();
        for request in 0..100 {
            queue.push(request.into(), &[1; MAX_GATHERED], 0);
        }
        assert_eq!(queue.next_pieces(usize::MAX).len(), MAX_PIECES);
    }

    #[test]
    fn bytes_written_at_once_are_not_written_again() {
        let mut queue = WriteQueue::default();
        queue.push(1.into(), b"abcdef", 4);
        assert_eq!(queue.pop_written(0), None);
        assert_eq!(write(&mut queue, 9), b"ef");
        assert_eq!(queue.pop_written(0), Some((1.into(), 6)));
    }

    #[test]
    fn sends_without_a_request_are_written_before_those_that_come_after() {
        let mut queue = WriteQueue::default();
        queue.push(1.into(), b"abc", 1);
        queue.forget_requests();
        assert!(!queue.is_empty());
        queue.push(1.into(), b"d", 0);
        assert_eq!(write(&mut queue, 2), b"bc");
        assert_eq!(queue.pop_written(0), None);
        assert_eq!(write(&mut queue, 2), b"d");
        assert_eq!(queue.pop_written(0), Some((1.into(), 1)));
        assert!(queue.is_empty());
    }

    #[test]
    fn abandoned_sends_are_returned_oldest_first() {
        let mut queue = WriteQueue::default();
        queue.push(1.into(), b"abc", 0);
        queue.push(2.into(), b"", 0);
        queue.push(3.into(), b"d", 0);
        assert_eq!(
            queue.abandon().collect::<Vec<_>>(),
            [(1.into(), 3), (2.into(), 0), (3.into(), 1)]
        );
        assert!(queue.is_empty());
        assert!(!queue.has_unwritten());
    }
}
