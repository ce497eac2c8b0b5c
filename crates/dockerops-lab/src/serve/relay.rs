//! Forwarding a local address or unix socket to a TCP address, byte by byte, with or without TLS.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Forwards `from=to`, where `from` is `host:port` or an absolute path; ends only with an error.
pub async fn relay(pair: &str) -> io::Result<()> {
    let (from, to) = pair
        .split_once('=')
        .ok_or_else(|| io::Error::other("expected `from=to`"))?;
    if Path::new(from).is_absolute() {
        let listener = UnixListener::bind(from)?;
        loop {
            tokio::spawn(forward(listener.accept().await?.0, to.to_owned()));
        }
    }
    let listener = TcpListener::bind(from).await?;
    loop {
        tokio::spawn(forward(listener.accept().await?.0, to.to_owned()));
    }
}

/// Forwards what comes over TLS to `from` on to a plain address, which the name that the client
/// asks for decides; it is empty when the client says none.
pub(super) async fn relay_tls(
    from: (&str, u16),
    to: fn(&str) -> String,
    certificate: &Path,
    key: &Path,
) -> io::Result<()> {
    let acceptor = acceptor(certificate, key)?;
    let listener = TcpListener::bind(from).await?;
    loop {
        let (client, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let client = acceptor.accept(client).await?;
            let to = to(client.get_ref().1.server_name().unwrap_or_default());
            forward(client, to).await
        });
    }
}

fn acceptor(certificate: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn forward(mut from: impl AsyncRead + AsyncWrite + Unpin, to: String) -> io::Result<()> {
    let mut to = TcpStream::connect(to).await?;
    copy_bidirectional(&mut from, &mut to).await.map(|_| ())
}
