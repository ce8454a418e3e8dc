//! Reading for rustls, which asks for 4 KiB at a time.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::TcpStream;

/// What one system call may bring while much arrives.
const BULK: usize = 128 * 1024;

/// Reads ahead while much arrives, and holds no buffer otherwise.
#[derive(Debug, Default)]
pub(crate) struct BulkReader {
    ahead: BytesMut,
    /// The last read has filled all the room there was: there is probably more.
    much: bool,
}

impl BulkReader {
    /// Reads into `room` what was read ahead or else what `stream` has.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut TcpStream,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            if !self.much {
                ready!(Pin::new(stream).poll_read(context, room))?;
                self.much = room.remaining() == 0;
                return Poll::Ready(Ok(()));
            }
            self.ahead.reserve(BULK);
            let result = pin!(stream.read_buf(&mut self.ahead)).poll(context);
            if self.ahead.is_empty() {
                *self = Self::default();
                return result.map_ok(|_| ());
            }
        }
        let count = self.ahead.len().min(room.remaining());
        room.put_slice(&self.ahead.split_to(count));
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::runtime;

    #[test]
    fn bytes_keep_their_order_however_they_come_and_the_end_is_seen() {
        runtime::handle().unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut peer = TcpStream::connect(address).await.unwrap();
            let mut stream = listener.accept().await.unwrap().0;
            let sent: Vec<u8> = (0..=250).cycle().take(1_000_000).collect();
            let bytes = sent.clone();
            let sending = tokio::spawn(async move {
                for piece in bytes.chunks(70_000) {
                    peer.write_all(piece).await.unwrap();
                }
            });
            let mut reader = BulkReader::default();
            let mut received = Vec::new();
            loop {
                let mut room = [0; 4096];
                let mut room = ReadBuf::new(&mut room);
                poll_fn(|context| reader.poll_read(&mut stream, context, &mut room))
                    .await
                    .unwrap();
                if room.filled().is_empty() {
                    break;
                }
                received.extend_from_slice(room.filled());
            }
            sending.await.unwrap();
            assert!(received == sent);
            assert_eq!(reader.ahead.capacity(), 0, "nothing is held at the end");
        });
    }
}
