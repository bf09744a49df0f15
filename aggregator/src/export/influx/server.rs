//! The server that is written to: settings, token, and one request.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, Url};

use super::answer::{Saying, WriteError, judge};

/// The longest error that is read.
const MOST_ERROR_BYTES: usize = 64 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Points are alike; more effort takes much longer and saves little.
const EFFORT: Compression = Compression::new(1);

/// Which server, and how to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where it is; a path is kept in front of `/api/v2/write`.
    pub url: Url,
    /// Organisation, by name or id.
    pub org: String,
    /// Bucket, by name or id.
    pub bucket: String,
    /// The file that holds the token, which is read again for every request: what is put into it
    /// holds from then on. `None`: the server asks for none.
    pub token_file: Option<PathBuf>,
    /// Certificate authorities to trust instead of the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// Most time for one request.
    pub timeout: Duration,
}

/// A server that cannot be written to as it was set.
#[derive(Debug, thiserror::Error)]
pub enum ServerProblem {
    /// What was given is no URL, or not of a web server.
    #[error("{url:?} is no URL such as https://influx.example:8086{}", .why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: Option<String>,
    },
    /// A file cannot be read.
    #[error("failed to read {}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file of the token has none.
    #[error("{} holds no token", .0.display())]
    NoToken(PathBuf),
    /// The certificate authorities cannot be used.
    #[error("failed to read certificates from {}", .file.display())]
    Authorities {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        source: reqwest::Error,
    },
    /// The client cannot be made.
    #[error("failed to prepare for HTTP")]
    Client(#[source] reqwest::Error),
}

impl ServerSettings {
    /// Reads the URL of a server.
    ///
    /// # Errors
    ///
    /// [`ServerProblem::Url`].
    pub fn parse_url(text: &str) -> Result<Url, ServerProblem> {
        let wrong = |why: Option<String>| ServerProblem::Url { url: text.to_owned(), why };
        let url = Url::parse(text).map_err(|error| wrong(Some(error.to_string())))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong(None));
        }
        if !url.username().is_empty() || url.password().is_some() {
            // Not quoted: it holds a password.
            let why = Some("a user name has no place in it; use a token file".to_owned());
            return Err(ServerProblem::Url { url: "…".to_owned(), why });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(Some("a query has no place in it".to_owned())));
        }
        Ok(url)
    }
}

/// A secret, which is not printed.
#[derive(Clone, PartialEq, Eq)]
struct Token(HeaderValue);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why a token cannot be had.
enum NoToken {
    Unreadable(std::io::Error),
    None,
}

impl Token {
    fn read(file: &Path) -> Result<Self, NoToken> {
        let text = std::fs::read_to_string(file).map_err(NoToken::Unreadable)?;
        let token = text.trim();
        if token.is_empty() {
            return Err(NoToken::None);
        }
        let mut value =
            HeaderValue::from_str(&format!("Token {token}")).map_err(|_| NoToken::None)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

/// A server to write to.
#[derive(Clone, Debug)]
pub struct Server {
    client: Client,
    /// With everything but the body.
    write: Url,
    token_file: Option<PathBuf>,
}

impl Server {
    /// Prepares; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ServerProblem`], also where the token cannot be read now.
    pub fn new(settings: &ServerSettings) -> Result<Self, ServerProblem> {
        let mut client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("vantage/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(settings.timeout)
            .pool_max_idle_per_host(1);
        if let Some(file) = &settings.ca_file {
            let pem = std::fs::read(file)
                .map_err(|source| ServerProblem::File { file: file.clone(), source })?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|source| ServerProblem::Authorities { file: file.clone(), source })?;
            client = client.tls_certs_only(authorities);
        }
        let mut write = settings.url.clone();
        write.set_path(&format!("{}/api/v2/write", settings.url.path().trim_end_matches('/')));
        write
            .query_pairs_mut()
            .append_pair("org", &settings.org)
            .append_pair("bucket", &settings.bucket)
            .append_pair("precision", "s");
        let token_file = settings.token_file.clone();
        if let Some(file) = &token_file {
            Token::read(file).map_err(|error| match error {
                NoToken::Unreadable(source) => ServerProblem::File { file: file.clone(), source },
                NoToken::None => ServerProblem::NoToken(file.clone()),
            })?;
        }
        Ok(Self { client: client.build().map_err(ServerProblem::Client)?, write, token_file })
    }

    /// Writes lines. They are all written where this succeeds.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; some of them may be written.
    pub async fn write(&self, lines: &[u8]) -> Result<(), WriteError> {
        let token = self.token().await?;
        let body = compressed(lines.to_vec()).await?;
        let mut request = self
            .client
            .post(self.write.clone())
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(CONTENT_ENCODING, "gzip")
            .body(body);
        if let Some(Token(token)) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let answer = request.send().await.map_err(|error| unreached(&error))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Err(judge(status, &headers, &start_of_body(answer).await))
    }

    async fn token(&self) -> Result<Option<Token>, WriteError> {
        let Some(file) = self.token_file.clone() else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || {
            Token::read(&file).map_err(|error| match error {
                NoToken::Unreadable(error) => format!("{}: {error}", file.display()),
                NoToken::None => format!("{} holds no token", file.display()),
            })
        });
        let read = read.await.unwrap_or_else(|error| Err(error.to_string()));
        read.map(Some).map_err(|problem| WriteError::Token(Saying::new(&problem)))
    }
}

async fn compressed(lines: Vec<u8>) -> Result<Vec<u8>, WriteError> {
    let compress = move || {
        let mut encoder = GzEncoder::new(Vec::with_capacity(lines.len() / 8), EFFORT);
        encoder.write_all(&lines)?;
        encoder.finish()
    };
    // Megabytes take long enough to be in the way of other tasks.
    let done = tokio::task::spawn_blocking(compress).await;
    let done = done.map_err(std::io::Error::other).and_then(|compressed| compressed);
    done.map_err(|error| WriteError::Unreached(Saying::new(&error.to_string())))
}

/// An error with its causes; without the URL, which is known.
fn unreached(error: &reqwest::Error) -> WriteError {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let gap = if text.is_empty() { "" } else { ": " };
        text = format!("{text}{gap}{error}");
        cause = error.source();
    }
    WriteError::Unreached(Saying::new(&text))
}

/// As much of an error as is read; what is cut off is not missed.
async fn start_of_body(mut answer: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_ERROR_BYTES {
            break;
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_of_web_servers_and_hold_no_secret() {
        for right in ["http://127.0.0.1:8086", "https://influx.example/behind/a/proxy/"] {
            assert!(ServerSettings::parse_url(right).is_ok(), "{right}");
        }
        for wrong in ["", "influx.example", "ftp://influx.example", "https://h/?org=x"] {
            assert!(ServerSettings::parse_url(wrong).is_err(), "{wrong}");
        }
        let error = ServerSettings::parse_url("http://me:secret@influx.example").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn the_token_is_never_printed() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "  secret-token\n").unwrap();
        let settings = ServerSettings {
            url: ServerSettings::parse_url("https://influx.example/base/").unwrap(),
            org: "our org".to_owned(),
            bucket: "vantage".to_owned(),
            token_file: Some(file.clone()),
            ca_file: None,
            timeout: Duration::from_secs(1),
        };
        let server = Server::new(&settings).unwrap();
        let expected =
            "https://influx.example/base/api/v2/write?org=our+org&bucket=vantage&precision=s";
        assert_eq!(server.write.as_str(), expected);
        let Ok(token) = Token::read(&file) else { panic!("there is one") };
        assert_eq!(token.0.to_str().unwrap(), "Token secret-token");
        let printed = format!("{token:?} {:?} {server:?} {settings:?}", token.0);
        assert!(!printed.contains("secret"), "{printed}");
    }
}
