//! TLS to the server: rustls, with the roots of the system and of RDS.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::ReadError;
use crate::config::SslMode;

/// The RDS certificate bundle.
pub const RDS_ROOTS: &str = include_str!("roots/rds.pem");

/// The TLS configuration of a connection; `None` for `sslmode = "disable"`.
///
/// `alternative` is a second name the certificate may bear: the looked-up cluster endpoint, when `endpoint` leads
/// through a tunnel and the server can only know itself by its own name.
///
/// # Errors
/// A root file that cannot be read or holds no certificate.
pub fn client_config(
    mode: SslMode,
    root_file: Option<&Path>,
    alternative: Option<&str>,
) -> Result<Option<ClientConfig>, ReadError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match mode {
        SslMode::Disable => return Ok(None),
        SslMode::Require => Arc::new(Unverified {
            provider: Arc::clone(&provider),
        }),
        SslMode::VerifyCa => Arc::new(ChainOnly {
            roots: roots(root_file)?,
            provider: Arc::clone(&provider),
        }),
        SslMode::VerifyFull => {
            let roots = Arc::new(roots(root_file)?);
            let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|error| ReadError::Tls(error.to_string()))?;
            let alternative = alternative.and_then(|name| ServerName::try_from(name.to_owned()).ok());
            Arc::new(EitherName { inner, alternative })
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ReadError::Tls(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Some(config))
}

/// A root file replaces everything; without one, the system's roots and those of RDS count.
fn roots(file: Option<&Path>) -> Result<RootCertStore, ReadError> {
    let mut store = RootCertStore::empty();
    let pem = match file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            ReadError::Tls(format!("cannot read sslrootcert {}: {error}", path.display()))
        })?,
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            RDS_ROOTS.to_owned()
        }
    };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .filter_map(Result::ok)
        .collect();
    let (added, _) = store.add_parsable_certificates(certificates);
    match file {
        Some(path) if added == 0 => Err(ReadError::Tls(format!(
            "sslrootcert {} holds no certificate in PEM form",
            path.display()
        ))),
        _ => Ok(store),
    }
}

/// `verify-full`, against the configured host or the cluster's own name.
#[derive(Debug)]
struct EitherName {
    inner: Arc<WebPkiServerVerifier>,
    alternative: Option<ServerName<'static>>,
}

impl ServerCertVerifier for EitherName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let first = self
            .inner
            .verify_server_cert(end_entity, intermediates, name, ocsp, now);
        match (&first, &self.alternative) {
            (
                Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )),
                Some(other),
            ) => self
                .inner
                .verify_server_cert(end_entity, intermediates, other, ocsp, now)
                .or(first),
            _ => first,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// `verify-ca`: the chain counts, the name does not.
#[derive(Debug)]
struct ChainOnly {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

/// `require`: encrypted, and no more.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
}

/// Handshake signatures are checked in every mode; only what they say about the certificate differs.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signature, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signature, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider
                .signature_verification_algorithms
                .supported_schemes()
        }
    };
}

impl ServerCertVerifier for ChainOnly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}
