//! The DNS probe over TLS and over HTTPS.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use vantage_agent::Attempt;
use vantage_agent::net::dns::RecordType;
use vantage_agent::spec::{Action, DnsSpec, DnsTransport, TlsParameters};
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;
use vantage_world::services::{Authority, CertificateKind};

use crate::stage;

const SITE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const PLAIN: &str = r#"
[[host.service]]
kind = "dns"
records = { "shop.test" = ["192.0.2.2"], "silent.test" = "silent", "rubbish.test" = "garbage" }
"#;
const HTTPS: &str = "[[host.service]]\nkind = \"https\"\nnames = [\"dns.test\"]";

/// Before the site's DNS server: TLS on one port, HTTPS on another.
struct Front {
    ca_pem: String,
    tls: SocketAddr,
    https: SocketAddr,
}

/// Runs `work` while the site has a front. It ends with `work`.
fn with_front<T>(world: &World, work: impl FnOnce(&Front) -> T) -> T {
    let authority = Authority::generate(vantage_world::clock::wall()).unwrap();
    let names = ["dns.test".to_owned()];
    let identity = authority.issue(CertificateKind::Valid, &names, &[SITE.into()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    let (ready, is_ready) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(|| {
            stage::at(world, "site", || async move {
                let mut with_alpn = config.clone();
                with_alpn.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
                let tls = TcpListener::bind((SITE, 0)).await.unwrap();
                let https = TcpListener::bind((SITE, 0)).await.unwrap();
                ready.send((tls.local_addr().unwrap(), https.local_addr().unwrap())).unwrap();
                let (tls_side, https_side) = (acceptor(config), acceptor(with_alpn));
                let mut connections = JoinSet::new();
                let accept = async {
                    loop {
                        tokio::select! {
                            Ok((stream, _)) = tls.accept() => {
                                connections.spawn(forward(tls_side.clone(), stream));
                            }
                            Ok((stream, _)) = https.accept() => {
                                connections.spawn(serve(https_side.clone(), stream));
                            }
                        }
                    }
                };
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
        });
        let (tls, https) = is_ready.recv().unwrap();
        let done = work(&Front { ca_pem: authority.ca_pem(), tls, https });
        drop(stop);
        done
    })
}

fn acceptor(config: rustls::ServerConfig) -> TlsAcceptor {
    Arc::new(config).into()
}

/// DNS over TLS is DNS over TCP within TLS. A client that goes away ends it.
async fn forward(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut server = TcpStream::connect((SITE, 53)).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut server).await;
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answering = service_fn(answer);
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), answering)
        .await;
}

async fn answer(request: Request<Incoming>) -> std::io::Result<Response<Full<Bytes>>> {
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri().path(), "/dns-query");
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/dns-message");
    let query = request.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(query[..2], [0, 0], "equal queries are equal bytes");
    let socket = UdpSocket::bind((SITE, 0)).await?;
    socket.connect((SITE, 53)).await?;
    socket.send(&query).await?;
    let mut bytes = vec![0; 4096];
    let length = socket.recv(&mut bytes).await?;
    bytes.truncate(length);
    let mut response = Response::new(Full::new(bytes.into()));
    let kind = header::HeaderValue::from_static("application/dns-message");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn trusting(ca_pem: &str) -> TlsParameters {
    TlsParameters { ca_pem: Some(ca_pem.to_owned()), ..TlsParameters::default() }
}

fn ask(world: &World, name: &str, server: SocketAddr, transport: DnsTransport) -> Attempt {
    let mut spec = stage::spec(Action::Dns(DnsSpec {
        name: name.into(),
        record_type: RecordType::A,
        server: Some(server),
        transport,
        expected_addresses: Vec::new(),
    }));
    spec.phase_timeouts.dns = Some(Duration::from_millis(300));
    stage::attempt(world, spec)
}

fn assert_answered(attempt: &Attempt) {
    assert!(attempt.is_ok(), "{attempt:?}");
    let phases: Vec<_> = attempt.phases.iter().map(|(phase, _)| phase).collect();
    assert_eq!(phases, [Phase::Dns, Phase::Connect, Phase::Tls, Phase::Total]);
    let took = |phase| Duration::from(attempt.phases.get(phase).unwrap());
    let parts = [Phase::Dns, Phase::Connect, Phase::Tls].map(took);
    assert!(parts.iter().all(|part| *part >= stage::RTT), "{attempt:?}");
    assert!(took(Phase::Total) >= parts.iter().sum::<Duration>());
    let dns = attempt.facts.dns.as_ref().unwrap();
    assert_eq!(dns.answers, ["shop.test. 60 IN A 192.0.2.2"]);
}

#[test]
fn tls_and_https_are_phases_around_the_same_exchange() {
    let world = stage::world(PLAIN, "");
    with_front(&world, |front| {
        let tls = trusting(&front.ca_pem);
        assert_answered(&ask(&world, "shop.test", front.tls, DnsTransport::Tls(tls.clone())));
        for alpn in ["h2", "http/1.1"] {
            let parameters = TlsParameters { alpn: vec![alpn.into()], ..tls.clone() };
            let transport = DnsTransport::Https(parameters, "/dns-query".into());
            let attempt = ask(&world, "shop.test", front.https, transport);
            assert_answered(&attempt);
            assert_eq!(attempt.facts.tls.unwrap().alpn.as_deref(), Some(alpn));
        }
        let named = TlsParameters { server_name: Some("dns.test".into()), ..tls };
        let transport = DnsTransport::Https(named, "/dns-query".into());
        let attempt = ask(&world, "shop.test", front.https, transport);
        assert_answered(&attempt);
        assert_eq!(attempt.facts.tls.unwrap().alpn.as_deref(), Some("h2"), "the better one");
    });
}

#[test]
fn failures_within_tls_are_those_of_dns() {
    let world = stage::world(PLAIN, "");
    with_front(&world, |front| {
        let transports = [
            (front.tls, DnsTransport::Tls(trusting(&front.ca_pem))),
            (front.https, DnsTransport::Https(trusting(&front.ca_pem), "/dns-query".into())),
        ];
        for (server, transport) in transports {
            for (name, code, by) in [
                ("gone.test", FailureCode::DnsNxdomain, Attribution::Target),
                ("silent.test", FailureCode::DnsTimeout, Attribution::Resolver),
            ] {
                let attempt = ask(&world, name, server, transport.clone());
                stage::assert_fails(&attempt, code, Phase::Dns, by);
                assert!(attempt.phases.get(Phase::Tls).is_some(), "the handshake was completed");
            }
        }
        // Over HTTPS there is nothing more to wait for.
        let https = DnsTransport::Https(trusting(&front.ca_pem), "/dns-query".into());
        let attempt = ask(&world, "rubbish.test", front.https, https);
        let (code, by) = (FailureCode::DnsServfail, Attribution::Resolver);
        stage::assert_fails(&attempt, code, Phase::Dns, by);
        assert_eq!(attempt.facts.dns.unwrap().strays, 1);
        let tls = DnsTransport::Tls(trusting(&front.ca_pem));
        let attempt = ask(&world, "rubbish.test", front.tls, tls);
        let (code, by) = (FailureCode::DnsTimeout, Attribution::Resolver);
        stage::assert_fails(&attempt, code, Phase::Dns, by);
        assert_eq!(attempt.facts.dns.unwrap().strays, 1);
        // The front's authority is not one of the system's.
        let stranger = DnsTransport::Tls(TlsParameters::default());
        let attempt = ask(&world, "shop.test", front.tls, stranger);
        let (code, by) = (FailureCode::TlsCertUntrusted, Attribution::Target);
        stage::assert_fails(&attempt, code, Phase::Tls, by);
    });
}

#[test]
fn what_an_https_server_does_instead_of_answering() {
    let world = stage::world(HTTPS, "");
    let server = (SITE, 443).into();
    for alpn in ["h2", "http/1.1"] {
        for (path, code, by) in [
            ("/status/503", FailureCode::DnsServfail, Attribution::Resolver),
            ("/status/404", FailureCode::DnsServfail, Attribution::Resolver),
            ("/retry-after/5", FailureCode::Http429, Attribution::Config),
            ("/ok", FailureCode::DnsServfail, Attribution::Resolver),
            ("/garbage", FailureCode::DnsServfail, Attribution::Resolver),
            ("/close", FailureCode::DnsUnreachable, Attribution::Resolver),
            ("/reset-early", FailureCode::DnsUnreachable, Attribution::Resolver),
            ("/stall", FailureCode::DnsTimeout, Attribution::Resolver),
        ] {
            let parameters = TlsParameters { alpn: vec![alpn.into()], ..trusting(world.ca_pem()) };
            let transport = DnsTransport::Https(parameters, path.into());
            let attempt = ask(&world, "shop.test", server, transport);
            println!("{alpn} {path}: {}", attempt.failure.as_ref().unwrap());
            stage::assert_fails(&attempt, code, Phase::Dns, by);
        }
    }
    // Spoken to as DNS over TLS, it answers what is no DNS and goes.
    let transport = DnsTransport::Tls(trusting(world.ca_pem()));
    let attempt = ask(&world, "shop.test", server, transport);
    let (code, by) = (FailureCode::DnsUnreachable, Attribution::Resolver);
    stage::assert_fails(&attempt, code, Phase::Dns, by);
}
