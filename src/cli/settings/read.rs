//! Single values of options: from text to what it means, or to words about how it is written. None of these words repeats the
//! text, which may be a secret.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use crate::cli::args::parse::parse_time as time;

/// A number of bytes, with or without a unit: `20GB`, `512MiB`, `1000000`.
pub fn size<N: TryFrom<u64>>(text: &str, least: u64) -> Result<N, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let known = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| *bytes);
    let bytes =
        known.zip(number.parse().ok()).and_then(|(unit, number): (u64, u64)| number.checked_mul(unit));
    bytes
        .filter(|bytes| *bytes >= least)
        .and_then(|bytes| N::try_from(bytes).ok())
        .ok_or_else(|| format!("write a size such as 20GB or 512MiB, or a number of bytes, {least} or more"))
}

/// Bytes of a unit, by its name in small letters.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// The name of a host, without port and path.
pub fn host(text: &str) -> Result<String, String> {
    let name = url::Host::parse(text)
        .map_err(|_| "write a host such as watch.example.org, without a port".to_owned())?;
    Ok(name.to_string())
}

pub fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "write true or false".to_owned())
}

pub fn choice<'a>(text: &str, known: &[&'a str]) -> Result<&'a str, String> {
    let found = known.iter().find(|known| **known == text);
    found.copied().ok_or_else(|| format!("write one of {}", known.join(", ")))
}

/// Whole seconds within bounds; zero where that is one of them.
pub fn seconds(text: &str, least: i64, most: i64) -> Result<i64, String> {
    let hours = text.strip_suffix('h').and_then(|hours| hours.parse::<u64>().ok());
    let zero = matches!(text, "0" | "0s" | "0m");
    let read = match hours {
        _ if zero => Duration::ZERO,
        Some(hours) => Duration::from_secs(hours.saturating_mul(3600)),
        None => time(text)?,
    };
    let whole = (read.subsec_nanos() == 0).then_some(read.as_secs());
    let found =
        whole.and_then(|whole| i64::try_from(whole).ok()).filter(|found| (least..=most).contains(found));
    found.ok_or_else(|| format!("write whole seconds from {least} to {most}, such as {}s", least.max(10)))
}

pub fn token(text: &str) -> Result<SecretString, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("write exactly one token".to_owned());
    }
    Ok(text.into())
}

/// A URL that holds no credentials.
pub fn url(text: &str, schemes: &[&str]) -> Result<String, String> {
    let found = parsed(text, schemes)?;
    if holds_credentials(&found) {
        return Err("a URL here must hold no credentials".to_owned());
    }
    Ok(text.to_owned())
}

/// A URL that may hold credentials.
pub fn url_with_secrets(text: &str, schemes: &[&str]) -> Result<SecretString, String> {
    parsed(text, schemes)?;
    Ok(text.into())
}

/// The address of a database, which may hold a password.
pub fn database(text: &str) -> Result<SecretString, String> {
    let known = SCHEMES.iter().any(|scheme| text.starts_with(scheme));
    known.then(|| text.into()).ok_or_else(|| "write postgres://USER@HOST/DATABASE".to_owned())
}

/// How addresses of databases begin.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Whether something is the address of a database, and so no path.
pub fn is_database(text: &str) -> bool {
    database(text).is_ok()
}

/// Into how many parts measurements are divided.
pub fn parts(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number: &u16| number.is_power_of_two());
    number
        .filter(|number| (16..=1024).contains(number))
        .ok_or_else(|| "write 16, 32, 64, 128, 256, 512 or 1024".to_owned())
}

/// The name of a server among others.
pub fn node(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if text.is_empty() || text.len() > 48 || !text.chars().all(good) {
        return Err("write up to 48 letters, digits, and - _ . :, such as web-1".to_owned());
    }
    Ok(text.to_owned())
}

fn parsed(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let wrong = || {
        let forms: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://HOST")).collect();
        format!("write a URL: {}", forms.join(" or "))
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let good = schemes.contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty());
    if good { Ok(url) } else { Err(wrong()) }
}

/// Whether an argument would show credentials to everybody on this machine. Of what cannot be understood, no one knows that it
/// does not. The user of a mail relay is none; its password is.
pub fn shows_credentials(text: &str) -> bool {
    if let Some(rest) = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        return shows_password(rest);
    }
    match Url::parse(text) {
        Ok(url) if url.has_host() => holds_credentials(&url),
        // `user:password@host` is a URL, too, whose scheme is the user.
        _ => text.contains(['@', '?', '#']),
    }
}

/// The same of the address of a database, which has several hosts and so is no URL to others. Its user is not secret.
fn shows_password(address: &str) -> bool {
    let user = address.rsplit_once('@').map_or("", |(user, _)| user);
    let (_, query) = address.split_once('?').unwrap_or_default();
    // Names can be written in other ways, too.
    let tells = |name: &str| name.contains("password") || name.contains('%');
    user.contains(':') || query.split('&').any(|pair| tells(pair.split('=').next().unwrap_or_default()))
}

fn holds_credentials(url: &Url) -> bool {
    let mail = matches!(url.scheme(), "smtp" | "smtps");
    let query = url.query_pairs().any(|(name, _)| !(mail && name == "tls"));
    url.password().is_some() || !mail && !url.username().is_empty() || query || url.fragment().is_some()
}

/// An address to listen on.
pub fn address(text: &str) -> Result<std::net::SocketAddr, String> {
    let wrong = || "write HOST:PORT, such as 127.0.0.1:8080".to_owned();
    let port = text.rsplit_once(':').map_or("", |(_, port)| port);
    if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_err() {
        return Err("ports go up to 65535".to_owned());
    }
    let whole = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let found = std::net::ToSocketAddrs::to_socket_addrs(&whole).map_err(|_| wrong())?;
    // Of both kinds of addresses that a name may have, clients try the older one in any case.
    let mut found: Vec<std::net::SocketAddr> = found.collect();
    found.sort_by_key(std::net::SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(wrong)
}

/// A number above zero.
pub fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "write a number above zero".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (written, bytes) in [("1000000", 1_000_000), ("20GB", 20_000_000_000), ("64 mib", 64 << 20)] {
            assert_eq!(size::<u64>(written, 1_000_000), Ok(bytes), "{written}");
        }
        for wrong in ["", "MB", "1.5GB", "-1", "20G", "1MB x", "999999", "99999999999TB"] {
            let said = size::<u64>(wrong, 1_000_000).unwrap_err();
            assert!(said.contains("such as 20GB") && said.contains("1000000 or more"), "{wrong}: {said}");
        }
        assert!(size::<u16>("1MB", 0).is_err());
    }

    #[test]
    fn addresses_are_those_that_people_write() {
        for (written, expected) in
            [("localhost:8080", "127.0.0.1:8080"), (":8080", "0.0.0.0:8080"), ("[::1]:80", "[::1]:80")]
        {
            assert_eq!(address(written).unwrap().to_string(), expected);
        }
        assert_eq!(address("localhost:80800"), Err("ports go up to 65535".to_owned()));
    }

    #[test]
    fn urls_with_credentials_are_known() {
        for shows in [
            "http://u:p@proxy:3128",
            "http://token@proxy",
            "https://proxy/?key=x",
            "https://proxy/#x",
            "smtp://u:p@mail",
            "smtps://mail/?password=x",
            "u:p@proxy",
            "//u:p@proxy?",
            "postgres://u:p@h1,h2:5433/d",
            "postgres://u:p?@h/d",
            "postgresql://u@h/d?sslmode=disable&password=p",
            "postgres://u@h/d?pass%77ord=p",
        ] {
            assert!(shows_credentials(shows), "{shows}");
        }
        for plain in [
            "http://proxy:3128",
            "smtp://u@mail:587",
            "smtp://mail/?tls=opportunistic",
            "proxy",
            "postgres://u@h1,h2:5433/d?sslmode=disable",
        ] {
            assert!(!shows_credentials(plain), "{plain}");
        }
    }

    #[test]
    fn parts_and_names_of_servers_have_bounds() {
        assert_eq!((parts("16"), parts("1024")), (Ok(16), Ok(1024)));
        assert!(["8", "48", "2048", "x", ""].iter().all(|wrong| parts(wrong).is_err()));
        assert!(node("web-1.example.org:4").is_ok() && node("a b").is_err() && node("").is_err());
    }

    #[test]
    fn seconds_have_bounds_and_no_fractions() {
        assert_eq!(seconds("5m", 1, 300), Ok(300));
        assert_eq!(seconds("2h", 1, 86_400), Ok(7200));
        assert_eq!(seconds("0s", 0, 300), Ok(0));
        for wrong in ["0s", "500ms", "1500ms", "301", "6m", "-1", "x", "999999999999999999999h"] {
            assert!(seconds(wrong, 1, 300).is_err(), "{wrong}");
        }
    }
}
