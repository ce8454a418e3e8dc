//! The stream below `tokio_rustls` during a handshake, which applies Chromium's rules for records.

use std::{
    io, mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::policy::hello::Hello;
use super::policy::records::{ALERT, CHANGE_CIPHER_SPEC, FATAL, Records};
use super::policy::refused::Refused;
use crate::net_error::{HandshakeProgress, NetError};

/// The answer to a certificate request, and whether the server made one.
#[derive(Debug, Default)]
pub(super) struct ClientCertificate {
    pub(super) identity: Option<Arc<CertifiedKey>>,
    pub(super) asked: AtomicBool,
    pub(super) offered: AtomicBool,
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        let identity = self.identity.as_ref()?;
        identity.key.choose_scheme(schemes)?;
        self.offered.store(true, Ordering::Relaxed);
        Some(Arc::clone(identity))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The stream below a TLS stream.
///
/// It inspects the traffic, because `rustls` does not report the progress of a failed handshake and
/// refuses records that Chromium accepts.
///
/// `tokio_rustls` reads past the end of the handshake, where the rules of a handshake no longer
/// apply. A read therefore returns at most one record, and the next read waits until it is
/// requested again.
///
/// `tokio_rustls` fails on the first write error even when the server's alert is already in the
/// receive buffer. Writes to a closed peer therefore succeed silently, so that the alert is read
/// first.
///
/// Writes never block: `rustls` reads only after all is written, and a server that does not read
/// may still send an alert (`net/socket/socket_bio_adapter.cc`).
pub(super) struct ChromiumFilter<S> {
    pub(super) stream: S,
    /// Bytes that the operating system has not taken yet. `rustls` bounds them: it writes a flight,
    /// and the next one only after the server's answer.
    unsent: Vec<u8>,
    resolver: Arc<ClientCertificate>,
    records: Records,
    hello: Hello,
    /// The error after which writing is impossible.
    pub(super) write_error: Option<io::Error>,
    /// Whether the end of a record was read last.
    yield_after_record: bool,
    /// Whether the server's certificate request has been answered.
    answered: bool,
}

impl<S> ChromiumFilter<S> {
    pub(super) fn new(stream: S, resolver: Arc<ClientCertificate>, hello: Hello) -> Self {
        Self {
            stream,
            unsent: Vec::new(),
            resolver,
            hello,
            write_error: None,
            yield_after_record: false,
            records: Records::default(),
            answered: false,
        }
    }

    fn certificate_asked(&self) -> bool {
        self.resolver.asked.load(Ordering::Relaxed)
    }

    /// Inspects records of the client: its hello, and the second flight that answers a certificate
    /// request.
    fn inspect(&mut self, bytes: &[u8]) {
        self.hello.inspect_client(bytes);
        let Some(&kind) = bytes.first() else {
            return;
        };
        let changes_cipher = kind == CHANGE_CIPHER_SPEC;
        // The compatibility record that TLS 1.3 sends first answers no request.
        self.answered |= self.certificate_asked() && !changes_cipher;
        self.records.client_encrypts |= changes_cipher && !self.hello.has_chosen_tls13();
    }

    /// Sends as much of the pending data as the operating system takes. Data for a closed peer is
    /// dropped.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        S: AsyncWrite + Unpin,
    {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if is_end(&error) => {
                    self.write_error = Some(error);
                    self.unsent.clear();
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Appends data to be sent and sends as much as possible.
    fn write(&mut self, pieces: &[io::IoSlice<'_>], cx: &mut Context<'_>) -> io::Result<usize>
    where
        S: AsyncWrite + Unpin,
    {
        for piece in pieces {
            self.inspect(piece);
            if self.write_error.is_none() {
                self.unsent.extend_from_slice(piece);
            }
        }
        if let Poll::Ready(result) = self.poll_send(cx) {
            result?;
        }
        Ok(pieces.iter().map(|piece| piece.len()).sum())
    }

    /// Aborts the handshake. Sends the alert if that is possible immediately and in plaintext.
    fn refuse(&mut self, refused: Refused, cx: &mut Context<'_>) -> io::Error
    where
        S: AsyncWrite + Unpin,
    {
        let encrypts = self.records.client_encrypts || self.hello.is_behind_that_of_tls13();
        if let Some(alert) = refused.alert.filter(|_| !encrypts) {
            self.unsent.extend([ALERT, 3, 3, 0, 2, FATAL, alert.into()]);
            let _ = self.poll_send(cx);
        }
        io::Error::other(refused)
    }

    /// The code for the error of a failed handshake.
    pub(super) fn explain(&self, error: &io::Error) -> NetError {
        let cause = error.get_ref();
        if let Some(Refused { error, .. }) = cause.and_then(|cause| cause.downcast_ref()) {
            return *error;
        }
        let Some(error) = cause.and_then(|cause| cause.downcast_ref()) else {
            return NetError::from_io(error);
        };
        let progress = HandshakeProgress {
            server_hello: self.records.has_begun(),
            client_certificate_requested: self.certificate_asked(),
        };
        match NetError::from_rustls(error, progress) {
            // The certificate is not bad: there was none.
            NetError::BadSslClientAuthCert
                if self.answered && !self.resolver.offered.load(Ordering::Relaxed) =>
            {
                NetError::SslClientAuthCertNeeded
            }
            error => error,
        }
    }
}

/// Whether a write error means the end of the connection, which a read then reports, too.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut
    )
}

/// Clones the error.
fn clone_error(error: &io::Error) -> io::Error {
    error
        .raw_os_error()
        .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ChromiumFilter<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.records.pass_on(buf) && buf.remaining() > 0 {
            if mem::take(&mut this.yield_after_record) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let mut room = [0; 4096];
            let wanted = this.records.bytes_needed().min(room.len());
            let mut room = ReadBuf::new(room.get_mut(..wanted).unwrap_or_default());
            let result = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut room));
            match (room.filled(), &this.write_error) {
                ([], Some(error)) => return Poll::Ready(Err(clone_error(error))),
                ([], None) => return Poll::Ready(result),
                (read, _) => {
                    if let Err(refused) = this.records.take(read, &mut this.hello) {
                        return Poll::Ready(Err(this.refuse(refused, cx)));
                    }
                }
            }
        }
        this.yield_after_record = this.records.is_between();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ChromiumFilter<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().write(bufs, cx))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
