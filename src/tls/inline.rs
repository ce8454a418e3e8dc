//! TLS on the JavaScript thread, for small messages.

use std::io;
use std::task::Poll;

use super::pipe::MAX_INBOUND;
use super::session::{BULK, TlsSocket, Turn, truncation, with_encrypted};
use crate::ready::Direction;
use crate::wake::readiness::PolledSocket;

impl TlsSocket<PolledSocket> {
    /// Whether a read may return data.
    pub(super) fn is_read_ready(&mut self) -> bool {
        !self.tls.unprocessed.is_empty() || self.socket.is_ready(Direction::Read)
    }

    /// Whether the peer has sent bytes that were not decrypted.
    pub(super) fn has_unread(&self) -> bool {
        !self.tls.unprocessed.is_empty() || self.socket.has_unread()
    }

    /// Reads once and decrypts as long as the turn allows. Returns whether the read was large.
    pub(super) fn receive(&mut self, plaintext: &mut Vec<u8>, turn: &mut Turn) -> bool {
        if self.tls.health.has_ended() {
            return false;
        }
        if !self.tls.unprocessed.is_empty() {
            return self.tls.process_rest(plaintext, turn) >= BULK;
        }
        with_encrypted(|encrypted| match self.socket.poll_read(encrypted) {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.tls.process(encrypted, plaintext, turn);
                count >= BULK
            }
            Poll::Ready(result) => {
                self.tls.health.end(Some(truncation(result)));
                false
            }
            Poll::Pending => false,
        })
    }

    /// Reads available data as far as one turn allows.
    pub(super) fn receive_for_a_turn(&mut self, plaintext: &mut Vec<u8>) {
        let mut turn = Turn::of_javascript();
        while !self.tls.health.has_ended() && !turn.is_over && plaintext.len() < MAX_INBOUND {
            let before = plaintext.len();
            self.receive(plaintext, &mut turn);
            if plaintext.len() == before {
                return;
            }
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let Self { socket, tls } = self;
        tls.flush(|pieces| socket.poll_write_vectored(pieces))
    }

    /// Flushes TLS control messages. The next send reports an error again.
    pub(super) fn flush_quietly(&mut self) {
        let _ = self.flush();
    }
}
