//! Why there is no secure connection, in words that say what to mend. Knows certificates; connects to nothing.

use jiff::Timestamp;
use rustls::CertificateError as Refusal;
use rustls::pki_types::UnixTime;
use rustls::{Error, InvalidMessage};

/// What `error` means. `ca_file` is whether the user named authorities to trust.
pub(super) fn explain(error: &Error, ca_file: bool) -> String {
    match error {
        Error::InvalidCertificate(refusal) => of_certificate(refusal, ca_file),
        // The first bytes of an answer in plain HTTP are no TLS record.
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "this port speaks http; write http:// in the endpoint".into()
        }
        Error::AlertReceived(alert) => format!("the service ended the handshake: {alert:?}"),
        other => format!("{other}; is this port https at all?"),
    }
}

fn of_certificate(refusal: &Refusal, ca_file: bool) -> String {
    match refusal {
        Refusal::Expired => "the certificate of the service has expired; renew it".into(),
        Refusal::ExpiredContext { not_after, .. } => {
            format!("the certificate of the service expired on {}; renew it", day(*not_after))
        }
        Refusal::NotValidYet => {
            "the certificate of the service is not valid yet; is the clock of this machine right?".into()
        }
        Refusal::NotValidYetContext { not_before, .. } => format!(
            "the certificate of the service is valid from {} on only; is the clock of this machine right?",
            day(*not_before)
        ),
        Refusal::NotValidForName => {
            "the certificate of the service is for another name; give the name it is for as the endpoint"
                .into()
        }
        Refusal::NotValidForNameContext { expected, presented } => format!(
            "the certificate of the service is not for {} but for {}; give one of its names as the endpoint, or \
             make it anew with this one",
            expected.to_str(),
            names(presented)
        ),
        Refusal::UnknownIssuer if ca_file => {
            "the certificate of the service comes from an authority that is neither known to this machine nor in the \
             file of --ca-file; that file must hold the authority's certificate"
                .into()
        }
        Refusal::UnknownIssuer => {
            "the certificate of the service comes from an authority that this machine does not know; if it is your \
             own, give its certificate with --ca-file"
                .into()
        }
        Refusal::BadSignature if ca_file => {
            "the certificate of the service is not the one in the file of --ca-file, though it has the same issuer's name; \
             give the present one"
                .into()
        }
        Refusal::Revoked => "the certificate of the service was revoked; replace it".into(),
        // The library of the checks is not the one of the handshake: only its name for the fault is to be had.
        Refusal::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the certificate of the service was made with CA:TRUE, for an authority and not for a server; make it with \
             `openssl req -x509 … -addext basicConstraints=critical,CA:FALSE`"
                .into()
        }
        other => format!("the certificate of the service cannot be trusted: {other}"),
    }
}

/// The day in UTC.
fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds)
        .map_or_else(|_| "a day beyond all calendars".into(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// The names of a certificate, which the library gives as `DnsName("a.example.org")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| name.split('"').nth(1).unwrap_or(name).to_owned();
    match presented.iter().take(4).map(bare).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "no name at all".into(),
        some if presented.len() > 4 => format!("{some} and others"),
        some => some,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_and_the_cure_is_named() {
        let not_after = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_609_502_400));
        let refusal = Refusal::ExpiredContext { time: UnixTime::now(), not_after };
        assert_eq!(
            explain(&refusal.into(), true),
            "the certificate of the service expired on 2021-01-01; renew it"
        );
    }

    #[test]
    fn a_file_that_was_given_is_not_asked_for_again() {
        let unknown = Error::from(Refusal::UnknownIssuer);
        assert!(explain(&unknown, false).ends_with("give its certificate with --ca-file"));
        assert!(explain(&unknown, true).contains("nor in the file of --ca-file"));
    }

    #[test]
    fn names_lose_the_librarys_words() {
        assert_eq!(names(&["DnsName(\"a\")".into(), "b".into()]), "a, b");
        assert_eq!(names(&[]), "no name at all");
    }
}
